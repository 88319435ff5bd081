-- The journal only grows. Whoever holds the file can drop these triggers: they stop mistakes and injected
-- statements; what stops an administrator is a checkpoint on another machine.
CREATE TRIGGER journal_keeps_its_words BEFORE UPDATE ON journal
WHEN NOT COALESCE((
    NEW.seq = OLD.seq AND NEW.leaf = OLD.leaf
    AND OLD.entry IS NOT NULL AND NEW.entry IS NULL AND OLD.destroyed_by IS NULL
    AND EXISTS (
        SELECT 1 FROM destructions JOIN audit ON audit.seq = OLD.seq
        WHERE destructions.seq = NEW.destroyed_by AND destructions.client = audit.client AND OLD.seq <= destructions.up_to
    )
), FALSE)
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER journal_keeps_its_entries BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER journal_nodes_stay BEFORE UPDATE ON journal_nodes
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER journal_nodes_remain BEFORE DELETE ON journal_nodes
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER checkpoints_keep_their_words BEFORE UPDATE ON checkpoints
WHEN NOT COALESCE((
    NEW.size = OLD.size AND NEW.at = OLD.at AND substr(NEW.note, 1, length(OLD.note)) = OLD.note
), FALSE)
BEGIN SELECT RAISE(ABORT, 'checkpoints are only added, and cosigned'); END;
CREATE TRIGGER checkpoints_remain BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are only added, and cosigned'); END;
CREATE TRIGGER destructions_keep_their_words BEFORE UPDATE ON destructions
BEGIN SELECT RAISE(ABORT, 'what was destroyed stays on record'); END;
CREATE TRIGGER destructions_remain BEFORE DELETE ON destructions
BEGIN SELECT RAISE(ABORT, 'what was destroyed stays on record'); END;

-- A record loses its words with its entry, and keeps its place, time, kind and client.
DROP TRIGGER audit_keeps_its_words;
CREATE TRIGGER audit_keeps_its_words BEFORE UPDATE ON audit
WHEN NOT COALESCE((
    NEW.seq = OLD.seq AND NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.kind = OLD.kind AND NEW.client IS OLD.client
    AND NEW.person IS NULL AND NEW.station IS NULL AND NEW.source IS NULL AND NEW.terminal IS NULL
    AND NEW.target IS NULL AND NEW.intervention IS NULL AND NEW.session IS NULL AND NEW.verdict IS NULL
    AND NEW.reason IS NULL AND NEW.detail = '{}'
    AND EXISTS (SELECT 1 FROM journal WHERE journal.seq = OLD.seq AND journal.entry IS NULL)
), FALSE)
BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END;
