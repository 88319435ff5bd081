-- Lines that were typed at a session's terminals and not shown; 0 where there are none, or the gateway cannot tell.
ALTER TABLE sessions ADD COLUMN hidden_lines BIGINT NOT NULL DEFAULT 0;
