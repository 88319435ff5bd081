//! Numbers of bytes as people read and type them.

use ecluse_policy::{ByteCount, Lang};

/// The units as documents write them, and as French does.
const FRENCH: [(&str, &str); 5] = [
    ("TiB", "Tio"),
    ("GiB", "Gio"),
    ("MiB", "Mio"),
    ("KiB", "Kio"),
    ("B", "o"),
];

/// `200 MiB`, or `200 Mio`.
pub fn size_in(lang: Lang, bytes: ByteCount) -> String {
    let text = bytes.to_string();
    match lang {
        Lang::En => text,
        Lang::Fr => FRENCH
            .iter()
            .find_map(|(unit, french)| Some(format!("{}{french}", text.strip_suffix(unit)?)))
            .unwrap_or(text),
    }
}

/// Reads `200MiB`, `200 mib`, `200 Mio`, `4096 o`: the units of documents, in either language and in any letters. `MB` and `Mo` are not
/// read: whoever writes them may mean either of two numbers.
pub fn parse_size(typed: &str) -> Option<ByteCount> {
    let typed = typed.trim();
    let end = typed.find(|character: char| !character.is_ascii_digit())?;
    let (digits, unit) = typed.split_at_checked(end)?;
    let unit = unit.trim_start();
    let same = |known: &&str| known.eq_ignore_ascii_case(unit);
    let (known, _) = FRENCH
        .iter()
        .find(|(english, french)| [english, french].iter().any(|known| same(known)))?;
    ByteCount::parse(&format!("{digits} {known}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_each_language_and_read_in_both() {
        for (typed, english, french) in [
            ("200MiB", "200 MiB", "200 Mio"),
            (" 200 mio ", "200 MiB", "200 Mio"),
            ("4096o", "4 KiB", "4 Kio"),
            ("17 b", "17 B", "17 o"),
            ("2048 KiB", "2 MiB", "2 Mio"),
            ("1tib", "1 TiB", "1 Tio"),
        ] {
            let size = parse_size(typed).unwrap();
            assert_eq!(size_in(Lang::En, size), english);
            assert_eq!(size_in(Lang::Fr, size), french);
        }
        for unclear in [
            "",
            "200",
            "MiB",
            "200 MB",
            "200Mo",
            "2.5 GiB",
            "-1 B",
            "99999999 TiB",
        ] {
            assert_eq!(parse_size(unclear), None, "{unclear}");
        }
    }
}
