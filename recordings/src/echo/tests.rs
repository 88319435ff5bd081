//! Transcripts as real shells and prompts produce them: `>` typed, `<` printed.

mod hidden;

use super::*;
use hidden::hidden_lines;
use proptest::prelude::*;

#[derive(Clone, Copy)]
enum Said<'a> {
    Typed(&'a str),
    Printed(&'a str),
}
use Said::{Printed, Typed};

/// Each letter typed alone and printed back at once, as a shell under a hand does.
fn echoing<'a>(line: &'a str) -> Vec<Said<'a>> {
    line.char_indices()
        .flat_map(|(at, letter)| {
            let letter = &line[at..at + letter.len_utf8()];
            [Typed(letter), Printed(letter)]
        })
        .collect()
}

/// The input as a viewer without the right to unmask reads it.
fn seen(pty: bool, said: &[Said<'_>]) -> String {
    let mut detector = EchoDetector::new(pty);
    let mut input = String::new();
    for piece in said {
        match piece {
            Typed(text) => {
                detector.input(text.as_bytes());
                input.push_str(text);
            }
            Printed(text) => detector.output(text.as_bytes()),
        }
    }
    let mut masks = detector.finish().masks;
    input
        .char_indices()
        .map(|(at, letter)| if masks.at(at as u64).0 { '•' } else { letter })
        .collect()
}

fn with<'a>(parts: Vec<Vec<Said<'a>>>) -> Vec<Said<'a>> {
    parts.into_iter().flatten().collect()
}

#[test]
fn a_command_that_is_echoed_stays_readable() {
    let said = with(vec![
        vec![Printed("\x1b]0;ops@db01: ~\x07ops@db01:~$ ")],
        echoing("ls -la /var"),
        vec![
            Typed("\r"),
            Printed("\r\ntotal 4\r\n"),
            Printed("ops@db01:~$ "),
        ],
    ]);
    assert_eq!(seen(true, &said), "ls -la /var\r");
}

#[test]
fn a_sudo_password_is_masked_and_the_commands_around_it_are_not() {
    let said = with(vec![
        vec![Printed("ops@db01:~$ ")],
        echoing("sudo id"),
        vec![Typed("\r"), Printed("\r\n[sudo] password for ops: ")],
        vec![
            Typed("h"),
            Typed("u"),
            Typed("n"),
            Typed("t"),
            Typed("é"),
            Typed("r"),
            Typed("2"),
            Typed("\r"),
        ],
        vec![Printed("\r\nuid=0(root) gid=0(root)\r\nops@db01:~$ ")],
        echoing("exit"),
        vec![Typed("\r"), Printed("\r\n")],
    ]);
    assert_eq!(seen(true, &said), "sudo id\r•••••••\rexit\r");
}

#[test]
fn a_password_shown_as_stars_is_masked() {
    let said = [
        Printed("[sudo] password for ops: "),
        Typed("s"),
        Printed("*"),
        Typed("e"),
        Printed("*"),
        Typed("s"),
        Printed("*"),
        Typed("\r"),
        Printed("\r\n$ "),
    ];
    assert_eq!(seen(true, &said), "•••\r");
}

#[test]
fn a_secret_read_without_any_prompt_is_masked() {
    for (secret, prompt) in [("root", "root@db01:~# "), ("t0psecret", "ops@db01:~$ ")] {
        let said = with(vec![
            vec![Printed("$ ")],
            echoing("read -s x"),
            vec![
                Typed("\r"),
                Printed("\r\n"),
                Typed(secret),
                Typed("\r"),
                Printed(prompt),
            ],
            echoing("ls"),
            vec![Typed("\r"), Printed("\r\na\r\n")],
        ]);
        let masked = "•".repeat(secret.len());
        assert_eq!(seen(true, &said), format!("read -s x\r{masked}\rls\r"));
    }
}

#[test]
fn a_password_pasted_with_its_enter_is_masked() {
    let said = [
        Printed("Enter passphrase for key '/home/ops/.ssh/id': "),
        Typed("hunter2\r"),
        Printed("\r\nok\r\n"),
    ];
    assert_eq!(seen(true, &said), "•••••••\r");
}

#[test]
fn a_prompt_for_a_secret_masks_even_what_the_answer_repeats() {
    let said = [Printed("Mot de passe : "), Typed("ok\r"), Printed("ok\r\n")];
    assert_eq!(seen(true, &said), "••\r");
}

#[test]
fn a_command_completed_with_tab_stays_readable() {
    let said = with(vec![
        vec![Printed("$ ")],
        echoing("cd /ho"),
        vec![Typed("\t"), Printed("me/")],
        echoing("ops"),
        vec![Typed("\r"), Printed("\r\n$ ")],
    ]);
    assert_eq!(seen(true, &said), "cd /ho\tops\r");
}

#[test]
fn a_command_corrected_with_backspace_stays_readable() {
    let said = with(vec![
        vec![Printed("$ ")],
        echoing("lss"),
        vec![
            Typed("\x7f"),
            Printed("\x08 \x08"),
            Typed("\x7f"),
            Printed("\x08\x1b[K"),
        ],
        echoing("s -l"),
        vec![Typed("\r"), Printed("\r\n$ ")],
    ]);
    assert_eq!(seen(true, &said), "lss\x7f\x7fs -l\r");
}

#[test]
fn a_password_corrected_with_backspace_is_masked() {
    let said = [
        Printed("Password: "),
        Typed("huX"),
        Typed("\x7f"),
        Typed("nter2"),
        Typed("\r"),
        Printed("\r\n"),
    ];
    assert_eq!(seen(true, &said), "•••••••••\r");
    let said = [
        Printed("? "),
        Typed("a"),
        Typed("\x7f"),
        Typed("\r"),
        Printed("\r\n"),
    ];
    assert_eq!(seen(true, &said), "•\x7f\r");
}

#[test]
fn a_pasted_command_stays_readable() {
    let said = [
        Printed("$ "),
        Typed("uname -a\r"),
        Printed("uname -a\r\nLinux db01\r\n$ "),
    ];
    assert_eq!(seen(true, &said), "uname -a\r");
}

#[test]
fn a_command_pasted_after_a_silent_read_stays_readable() {
    let said = [
        Typed("s3cret!"),
        Typed("\r"),
        Printed("ops@db01:~$ "),
        Typed("uname -s\r"),
        Printed("uname -s\r\nLinux\r\n"),
    ];
    assert_eq!(seen(true, &said), "•••••••\runame -s\r");
}

#[test]
fn several_pasted_commands_stay_readable() {
    let said = [
        Printed("$ "),
        Typed("\x1b[200~uname\rpwd\rls\r\x1b[201~"),
        Printed("\x1b[?2004luname\r\nLinux\r\n\x1b[?2004h$ pwd\r\n/home/ops\r\n$ "),
        Printed("ls\r\na  b\r\n"),
    ];
    // Two letters at the end of a later line are too few to tell an echo from chance.
    assert_eq!(seen(true, &said), "\x1b[200~uname\rpwd\r••\r\x1b[201~");
}

#[test]
fn a_password_pasted_behind_a_command_is_masked() {
    let said = [
        Printed("$ "),
        Typed("sudo id\rhunter2\r"),
        Printed("sudo id\r\n[sudo] password for ops: \r\nuid=0(root)\r\n$ "),
    ];
    assert_eq!(seen(true, &said), "sudo id\r•••••••\r");
}

#[test]
fn letters_whose_echo_comes_late_stay_readable() {
    let said = [
        Printed("$ "),
        Typed("l"),
        Typed("s"),
        Printed("l"),
        Typed("\r"),
        Printed("s\r\nfile\r\n$ "),
    ];
    assert_eq!(seen(true, &said), "ls\r");
}

#[test]
fn a_shell_that_redraws_the_line_at_each_key_stays_readable() {
    let said = [
        Printed("\r\x1b[J> "),
        Typed("l"),
        Printed("\r\x1b[K> \x1b[31ml\x1b[0ms -la\x1b[5D"),
        Typed("s"),
        Printed("\r\x1b[K> \x1b[32mls\x1b[0m -la\x1b[4D"),
        Typed("\r"),
        Printed("\r\n"),
    ];
    assert_eq!(seen(true, &said), "ls\r");
}

#[test]
fn arrows_and_history_mask_nothing() {
    let said = [
        Printed("$ "),
        Typed("\x1b[A"),
        Printed("ls -l"),
        Typed("\x1bOB"),
        Typed("\r"),
        Printed("\r\n"),
    ];
    assert_eq!(seen(true, &said), "\x1b[A\x1bOB\r");
}

#[test]
fn keys_of_a_full_screen_program_are_masked_rather_than_guessed() {
    let said = [
        Printed("\x1b[?1049h\x1b[1;1Hfile"),
        Typed("d"),
        Typed("d"),
        Printed("\x1b[1;1H\x1b[K"),
        Typed(":q\r"),
    ];
    assert_eq!(seen(true, &said), "••••\r");
}

/// What a pager took says nothing of the command after it, and a secret after it stays one.
#[test]
fn a_command_after_the_key_that_ended_a_pager_stays_readable() {
    let pager = || {
        let mut said = vec![Printed("$ ")];
        said.extend(echoing("less x"));
        said.extend([
            Typed("\r"),
            Printed("\r\n\x1b[?1049h\x1b[?1h\x1b=one\r\ntwo\r\n:"),
            Typed("q"),
            Printed("\r\x1b[K\x1b[?1l\x1b>\x1b[?1049l"),
        ]);
        said
    };
    let mut command = pager();
    command.push(Printed("$ "));
    command.extend(echoing("ls /srv"));
    command.extend([Typed("\r"), Printed("\r\na\r\n$ ")]);
    assert_eq!(seen(true, &command), "less x\r•ls /srv\r");
    assert_eq!(hidden_lines(&command), 0);
    let mut secret = pager();
    secret.push(Printed("[sudo] password for ops: "));
    secret.extend([Typed("hun"), Typed("ter2"), Typed("\r"), Printed("\r\n$ ")]);
    assert_eq!(seen(true, &secret), "less x\r••••••••\r");
    assert_eq!(hidden_lines(&secret), 0);
    let mut unseen = pager();
    unseen.extend([Printed("> "), Typed("rm -rf /srv\r"), Printed("\r\n> ")]);
    assert_eq!(seen(true, &unseen), "less x\r••••••••••••\r");
    assert_eq!(hidden_lines(&unseen), 1);
}

#[test]
fn an_unfinished_password_is_masked() {
    assert_eq!(seen(true, &[Printed("Password: "), Typed("hunt")]), "••••");
    assert_eq!(
        seen(
            true,
            &[
                Printed("Password: "),
                Typed("hunt"),
                Typed("\x03"),
                Printed("^C\r\n$ ")
            ]
        ),
        "••••\x03"
    );
}

#[test]
fn noise_while_a_password_is_typed_does_not_unmask_it() {
    let said = [
        Printed("Password: "),
        Typed("hunter2"),
        Printed("\r\nBroadcast: the hunt is over, enter room 12\r\n"),
        Typed("\r"),
        Printed("\r\n"),
    ];
    // All letters of `hunter2` do come in order here.
    assert_eq!(seen(true, &said), "•••••••\r");
}

#[test]
fn without_a_terminal_only_the_answer_to_a_prompt_is_masked() {
    let said = [
        Typed("data\nmore"),
        Printed("Password:"),
        Typed("hunter2\nnext\n"),
        Typed("rest"),
    ];
    assert_eq!(seen(false, &said), "data\nmore•••••••\nnext\nrest");
    assert_eq!(
        seen(
            false,
            &[
                Printed("sudo: mot de passe : "),
                Typed("hun"),
                Typed("ter2")
            ]
        ),
        "•••••••"
    );
}

#[test]
fn bytes_that_are_no_text_do_not_shift_the_mask() {
    let mut detector = EchoDetector::new(true);
    detector.output(b"Password: ");
    detector.input(b"\xff\xe9\r");
    detector.output(b"\r\nPassword: ");
    detector.input(b"\xc3");
    detector.input(b"\xffhunter2\r");
    detector.output(b"\r\n");
    assert_eq!(detector.finish().masks.ranges(), [(0, 2), (3, 12)]);
}

#[test]
fn masks_stay_bounded_under_an_endless_session() {
    let mut detector = EchoDetector::new(true);
    for _ in 0..200_000 {
        detector.input(b"x\r");
        detector.output(b"\r\n");
    }
    assert!(detector.ranges.len() <= MAX_RANGES);
    let masks = detector.finish().masks;
    assert!(masks.ranges().len() <= MAX_RANGES);
    assert_eq!(masks.ranges()[0].0, 0);
}

proptest! {
    /// Whatever comes, ranges are in order, inside the input, and never empty.
    #[test]
    fn ranges_are_sane(pty in any::<bool>(), said in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..30)), 0..30)) {
        let mut detector = EchoDetector::new(pty);
        let mut length = 0u64;
        for (typed, bytes) in &said {
            if *typed { detector.input(bytes); length += bytes.len() as u64; } else { detector.output(bytes); }
        }
        let masks = detector.finish().masks;
        let mut last = 0;
        for (start, end) in masks.ranges() {
            prop_assert!(start < end && *end <= length && *start >= last, "{:?}", masks);
            last = *end;
        }
    }

    /// A password nobody prints is masked whole, however it is cut.
    #[test]
    fn a_silent_password_is_always_masked(password in "[!-~é]{1,20}", cuts in proptest::collection::vec(0usize..20, 0..5)) {
        let mut pieces: Vec<usize> = cuts.into_iter().filter(|cut| password.is_char_boundary(*cut)).collect();
        pieces.extend([0, password.len()]);
        pieces.sort_unstable();
        let mut said = vec![Printed("Password: ")];
        said.extend(pieces.windows(2).map(|pair| Typed(&password[pair[0]..pair[1]])));
        said.extend([Typed("\r"), Printed("\r\n$ ")]);
        let expected = "•".repeat(password.chars().count()) + "\r";
        prop_assert_eq!(seen(true, &said), expected);
    }
}

/// A shell that wraps a pasted line prints a blank more, or a letter twice: it was shown all the same.
#[test]
fn a_pasted_line_that_wraps_was_shown() {
    for echo in [
        "echo aaaaaaaaaaaaaaa \r bbb ccc\r\n",
        "echo aaaaaaaaaaaaaaa \rbbb ccc\r\n",
        "echo aaaaaaaaaaaaaaa b\rbbb ccc\r\n",
        "echo aaaaaaaaaaaaaaa bbb ccc\r\n",
    ] {
        let said = [
            Printed("$ "),
            Typed("echo aaaaaaaaaaaaaaa bbb ccc\r"),
            Printed(echo),
            Printed("$ "),
        ];
        assert_eq!(
            seen(true, &said),
            "echo aaaaaaaaaaaaaaa bbb ccc\r",
            "{echo:?}"
        );
    }
}
