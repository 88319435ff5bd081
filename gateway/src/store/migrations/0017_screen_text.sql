-- Whether what a recording's screens showed is in its search text: 1, 0, or NULL where nobody has looked since this is kept.
ALTER TABLE sessions ADD COLUMN screen_text BIGINT;
