"""Metrics of one question (`retrieval`, `answers`, `citations`) and of many (`abstention`,
`calibration`). docs/evals.md defines each with its source."""
