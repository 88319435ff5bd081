-- A record of the audit trail that no entry of the journal stands behind was put there by hand, beyond the end of the log. It
-- must not keep the log from growing: the gateway takes it away when it comes to its place, and says so in the log.
DROP TRIGGER audit_keeps_its_records ON audit;
CREATE FUNCTION audit_keeps_what_is_logged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM journal WHERE journal.seq = OLD.seq)
    THEN RAISE EXCEPTION 'the audit trail only grows'; END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER audit_keeps_its_records BEFORE DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_keeps_what_is_logged();
CREATE TRIGGER audit_is_never_emptied BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
