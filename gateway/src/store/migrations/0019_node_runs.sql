-- Which run of the gateway renews the row: one that finds another's there is not alone under its name. NULL where an older
-- program wrote it.
ALTER TABLE nodes ADD COLUMN run TEXT;
