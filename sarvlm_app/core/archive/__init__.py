"""Everything we hold, indexed once: catalogue (SQLite), vectors (FAISS or Qdrant), ingest, search, care."""
