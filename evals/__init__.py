"""How good the answers are: an eval harness over the public names of `rag`.

`rag eval` and `python -m evals` are the same door; docs/evals.md says what is measured and how the
gate decides. A run is deterministic, needs no judge model, and goes this way:

    datasets   gold questions, documents, baseline
    running    asks every question once            judging   one answer against its gold item
    records    what is kept of a run               metrics/  of one question, and of many
    figures    all metrics, with intervals         statistics  the bootstrap
    gate       worse than the baseline?            report, printing   for people to look at
    comparing  a language model beside the reader

Other people's benchmarks run as `rag eval squad`, `beir`, `realtimeqa`, `news`, `chunking`,
`conflicts` and `wice`; the data sets are not part of the project. `rag eval lies` needs none. Two
more measure time, over RealTimeQA 2022:

    python -m evals.speed FOLDER      ingest, cold and warm answers
    python -m evals.latency FOLDER    warm answers alone

State is kept in temporary folders, settings come from the environment as everywhere
(RAG_PRECISION=fp32, say), and what a command does meanwhile goes to standard error.
"""
