// What the browser does by itself: copying, saving, and telling Python which element was picked.
(() => {
  const say = (button, words) => {
    const status = button.parentElement.querySelector("[role=status]");
    const said = button.textContent;
    if (status) status.textContent = words;
    else button.textContent = words;
    setTimeout(() => {
      if (status) status.textContent = "";
      else button.textContent = said;
    }, 2000);
  };

  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Pages that are neither local nor encrypted have no clipboard of their own.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };

  const save = (text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
    link.download = "conversation.md";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy], [data-save], [data-close]");
    if (!button) return;
    if ("copy" in button.dataset) copy(button.dataset.copy).then(() => say(button, "Copied"));
    else if ("save" in button.dataset) save(button.dataset.save);
    else button.closest("dialog").close();
  });

  document.addEventListener("click", (event) => {
    const marker = event.target.closest?.("a.marker");
    if (!marker) return;
    // Without the address: a reload would look for evidence that is not there any more.
    event.preventDefault();
    const mark = document.querySelector(marker.getAttribute("href"));
    if (!mark) return;
    document.querySelectorAll("mark.lit").forEach((other) => other.classList.remove("lit"));
    mark.classList.add("lit");
    mark.scrollIntoView({ block: "center" });
    mark.focus({ preventScroll: true });
  });
})();
