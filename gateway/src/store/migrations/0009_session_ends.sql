-- Why a session ended, typed, so that it is told in the reader's language. NULL for those that ended before this format.
ALTER TABLE sessions ADD COLUMN ended_because TEXT;
