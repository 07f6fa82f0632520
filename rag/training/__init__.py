"""How the weights in rag/models were made, so that anyone can make them again."""
