-- What an entry of the log says of a body or a text is its salted digest. The salt stands here and nowhere else, so that
-- it goes with what it belongs to. NULL: from before this format; store/bound/start.rs gives it one, on record.
ALTER TABLE interventions ADD COLUMN salt TEXT;
ALTER TABLE document_texts ADD COLUMN salt TEXT;
-- Whose text it is, as the log names them: 'client hopital', 'provider maintech'.
ALTER TABLE document_texts ADD COLUMN owner TEXT;
