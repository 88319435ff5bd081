//! SFTP: a client and a server that say anything, in whichever pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| ecluse_fuzz::sftp::run(data));
