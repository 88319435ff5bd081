-- Which recordings are worth opening for a question (store/search.rs). Sealed with the store's key: a filter tells
-- much of the text it stands for. Gone with its session; a recording destroyed before takes it along.
CREATE TABLE search_filters (
    session UUID NOT NULL PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    filter BYTEA NOT NULL
) /* STRICT */;
