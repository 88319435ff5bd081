-- A record of the audit trail that no entry of the journal stands behind was put there by hand, beyond the end of the log. It
-- must not keep the log from growing: the gateway takes it away when it comes to its place, and says so in the log.
DROP TRIGGER audit_keeps_its_records;
CREATE TRIGGER audit_keeps_its_records BEFORE DELETE ON audit
WHEN EXISTS (SELECT 1 FROM journal WHERE journal.seq = OLD.seq)
BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END;
