-- Sealed under the store's key, which who writes the store does not have: a remembered factor is one that a gateway put there,
-- where the log stood when it was proven, and until when; and a renewal is one of a gateway's, when it was made. NULL from before
-- this format: such a factor is proven again, and such a renewal is nobody's.
ALTER TABLE remembered ADD COLUMN proof BYTEA;
ALTER TABLE nodes ADD COLUMN proof BYTEA;
