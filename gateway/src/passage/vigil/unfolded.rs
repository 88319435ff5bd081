//! Commands of several lines.

/// A command of several lines as a shell reads it, where one goes on in the next; none where none does.
pub(super) fn unfolded(command: &[u8]) -> Option<Vec<u8>> {
    let (mut whole, mut backslashes, mut goes_on) = (Vec::new(), 0, false);
    for byte in command {
        match byte {
            b'\n' if backslashes % 2 == 1 => {
                whole.pop();
                (backslashes, goes_on) = (0, true);
            }
            byte => {
                whole.push(*byte);
                backslashes = if *byte == b'\\' { backslashes + 1 } else { 0 };
            }
        }
    }
    goes_on.then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X4: a command is asked for whole, and goes on behind a backslash as what is typed does.
    #[test]
    fn a_command_of_lines_that_go_on_is_one() {
        let all =
            |command: &str| unfolded(command.as_bytes()).map(|all| String::from_utf8(all).unwrap());
        assert_eq!(all("pg_\\\ndump --v").as_deref(), Some("pg_dump --v"));
        assert_eq!(
            all("true\npg_d\\\nu\\\nmp").as_deref(),
            Some("true\npg_dump")
        );
        assert_eq!(all("pg_\\\\\ndump"), None, "it is a backslash");
        assert_eq!(all("true\npg_dump"), None);
    }
}
