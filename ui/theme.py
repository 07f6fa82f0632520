"""Gradio's theme: system fonts, so that nothing is fetched, and colours from `page.css`."""

from __future__ import annotations

import gradio as gr

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]


def theme() -> gr.themes.Base:
    """The plainest of Gradio's themes in our colours."""
    return gr.themes.Base(
        font=FONTS, font_mono=["ui-monospace", "monospace"], spacing_size="md", radius_size="md"
    ).set(
        body_background_fill="var(--ground)",
        body_background_fill_dark="var(--ground)",
        body_text_color="var(--ink)",
        body_text_color_dark="var(--ink)",
        body_text_color_subdued="var(--quiet)",
        body_text_color_subdued_dark="var(--quiet)",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_label_text_color="var(--quiet)",
        block_label_text_color_dark="var(--quiet)",
        block_title_text_color="var(--quiet)",
        block_title_text_color_dark="var(--quiet)",
        block_info_text_color="var(--quiet)",
        block_info_text_color_dark="var(--quiet)",
        border_color_primary="var(--line)",
        border_color_primary_dark="var(--line)",
        border_color_accent="var(--accent)",
        border_color_accent_dark="var(--accent)",
        color_accent="var(--accent)",
        color_accent_soft="var(--tint)",
        color_accent_soft_dark="var(--tint)",
        background_fill_primary="var(--paper)",
        background_fill_primary_dark="var(--paper)",
        background_fill_secondary="var(--ground)",
        background_fill_secondary_dark="var(--ground)",
        input_background_fill="var(--paper)",
        input_background_fill_dark="var(--paper)",
        input_border_color="var(--line)",
        input_border_color_dark="var(--line)",
        input_border_color_focus="var(--accent)",
        input_border_color_focus_dark="var(--accent)",
        input_placeholder_color="var(--quiet)",
        input_placeholder_color_dark="var(--quiet)",
    )
