//! Nouns: each owns its tables, types, transitions and statements.
