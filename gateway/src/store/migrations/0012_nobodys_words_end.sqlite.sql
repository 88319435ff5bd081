-- Entries that concern no client end too: in `destructions` the empty name stands for none, which is no client's.
DROP TRIGGER journal_keeps_its_words;
CREATE TRIGGER journal_keeps_its_words BEFORE UPDATE ON journal
WHEN NOT COALESCE((
    NEW.seq = OLD.seq AND NEW.leaf = OLD.leaf
    AND OLD.entry IS NOT NULL AND NEW.entry IS NULL AND OLD.destroyed_by IS NULL
    AND EXISTS (
        SELECT 1 FROM destructions JOIN audit ON audit.seq = OLD.seq
        WHERE destructions.seq = NEW.destroyed_by AND destructions.client = COALESCE(audit.client, '')
        AND OLD.seq <= destructions.up_to
    )
), FALSE)
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
