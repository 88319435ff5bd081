//! Casts of any version, and what is shown of them.

#![no_main]

use std::io::{BufReader, Cursor};
use std::path::Path;

use ecluse_recordings::cast::CastReader;
use ecluse_recordings::{Utf8Decoder, neutralise, neutralise_lines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut decoder = Utf8Decoder::default();
    let mut text = String::new();
    decoder.feed(data, |piece| text.push_str(piece));
    decoder.end(|piece| text.push_str(piece));
    assert_eq!(text, String::from_utf8_lossy(data));
    assert!(!neutralise(data).contains(['\x1b', '\r', '\n', '\u{9b}']));
    assert!(!neutralise_lines(data).contains(['\x1b', '\r', '\u{9b}']));

    // Small pieces, so that borders fall everywhere.
    let input = BufReader::with_capacity(7, Cursor::new(data.to_vec()));
    if let Ok(mut cast) = CastReader::from_reader(Path::new("cast"), input) {
        while let Ok(Some(_)) = cast.next_event() {}
        assert!(cast.offset() <= data.len() as u64);
    }
});
