//! JSON that people may look at on a terminal: what would act there, or hide, is written as an escape. It reads back the same.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::text::acts;

/// Writes `value` on one line.
///
/// # Errors
/// What `out` says, or what `value` has that JSON has not.
pub fn to_writer(out: impl Write, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(
        out,
        Harmless(CompactFormatter),
    ))
}

/// `value` on several lines, for people.
///
/// # Errors
/// What `value` has that JSON has not.
pub fn to_string_pretty(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    let mut out = Vec::new();
    let formatter = Harmless(PrettyFormatter::new());
    value.serialize(&mut Serializer::with_formatter(&mut out, formatter))?;
    String::from_utf8(out).map_err(serde::ser::Error::custom)
}

/// As another formatter, but for what stands in strings.
struct Harmless<F>(F);

macro_rules! as_it_does {
    ($($name:ident($($argument:ident: $kind:ty),*)),* $(,)?) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W, $($argument: $kind),*) -> io::Result<()> {
            self.0.$name(writer, $($argument),*)
        })*
    };
}

impl<F: Formatter> Formatter for Harmless<F> {
    as_it_does!(
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        begin_object(),
        end_object(),
        begin_object_key(first: bool),
        end_object_key(),
        begin_object_value(),
        end_object_value(),
    );

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, letter)) = rest.char_indices().find(|(_, letter)| acts(*letter)) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = from.get(letter.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compact(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        to_writer(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// R11: nothing of a stranger's acts on the terminal of whoever looks at a file of ours.
    #[test]
    fn r11_what_acts_is_an_escape() {
        let name = "a\u{9b}2J\u{202e}b\u{2028}\u{7f}\u{e0041}é\u{1b}";
        let said = compact(&name);
        let expected = concat!(
            r#""a\u009b2J\u202eb\u2028\u007f\udb40\udc41é"#,
            r#"\u001b""#
        );
        assert_eq!(said, expected);
        assert_eq!(serde_json::from_str::<String>(&said).unwrap(), name);
        let pretty = to_string_pretty(&serde_json::json!({ name: [1, 2], "b": {} })).unwrap();
        assert!(
            !pretty.contains(|letter: char| acts(letter) && letter != '\n'),
            "{pretty:?}"
        );
        assert!(pretty.contains("\n    1,\n"), "{pretty}");
    }

    proptest! {
        #[test]
        fn it_reads_back_the_same(text in any::<String>()) {
            let said = compact(&text);
            prop_assert!(!said.contains(acts));
            prop_assert_eq!(serde_json::from_str::<String>(&said).unwrap(), text);
        }
    }
}
