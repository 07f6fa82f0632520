"""The chat page: questions, answers, and the evidence beside them, over the `rag` facade."""
