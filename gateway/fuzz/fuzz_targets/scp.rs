//! `scp` of old: a client, a target and the target's SFTP subsystem beside it that say anything, in whichever pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| ecluse_fuzz::scp::run(data));
