"""Measurements behind the figures in docs/LOG.md, over the public names of `rag`.

    python -m evals.chunking FOLDER      retrieval by characters (chunking_evaluation)
    python -m evals.realtimeqa FOLDER    retrieval by article (RealTimeQA 2022)
    python -m evals.news FOLDER          answers end to end (RealTimeQA 2022)
    python -m evals.squad FILE           the reader alone on given contexts (SQuAD's format)
    python -m evals.speed FOLDER         ingest, cold and warm answers (RealTimeQA 2022)
    python -m evals.latency FOLDER       warm answers alone

FOLDER is where the data set lies; none is part of the project. Every command prints tables, or one
JSON object with --json; what it does meanwhile goes to standard error. State is kept in temporary
folders, settings come from the environment as everywhere (RAG_PRECISION=fp32, say).
"""
