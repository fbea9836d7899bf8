//! Importers of governance metadata: declarative files.
