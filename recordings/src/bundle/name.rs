//! Names inside a bundle: what a file may be called, so that no name leaves the directory it is unpacked into, acts on
//! a terminal, or means two things to `sha256sum`.

/// Longest name.
const MAX_NAME: usize = 200;
/// Longest part of a name between slashes.
const MAX_PART: usize = 100;
/// Deepest directory.
const MAX_DEPTH: usize = 6;

/// Whether this names a file of a bundle: relative, at most 200 letters, each part made of ASCII letters, digits and
/// `._-+@=,`, and none beginning with `.` or `-`.
#[must_use]
pub fn is_bundle_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.split('/').count() <= MAX_DEPTH
        && name.split('/').all(|part| {
            (1..=MAX_PART).contains(&part.len())
                && !part.starts_with(['.', '-'])
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-+@=,".contains(&byte))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_or_act_are_refused() {
        for name in [
            "",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a//b",
            "a/",
            "./a",
            ".hidden",
            "-rf",
            "a/-rf",
            "a b",
            "a\nb",
            "a\\b",
            "a\u{202e}b",
            "é",
            "a\0",
            "a*",
            "a/b/c/d/e/f/g",
            &"a".repeat(101),
            &"a/".repeat(120),
        ] {
            assert!(!is_bundle_name(name), "{name:?}");
        }
        for name in [
            "VERIFY.md",
            "recordings/0192f0c1-2345-7abc-8def-0123456789ab/01-shell.cast.zst.age",
            "documents/v12/clients/hopital.toml",
            "interventions/7.json",
        ] {
            assert!(is_bundle_name(name), "{name}");
        }
    }
}
