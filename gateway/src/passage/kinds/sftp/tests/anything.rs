//! Against the real `sftp-server`: as it is, as one that only tidies the letters of a path, and as one that knows no path
//! of what is not there. Whatever a client may think of.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::ground::*;
use super::packets::*;
use super::real::Realpath;
use proptest::prelude::*;

/// One request after another, many at once, by any paths.
fn some_requests() -> impl Strategy<Value = Vec<(usize, usize, usize, u32)>> {
    proptest::collection::vec((0usize..30, 0usize..1_000, 0usize..1_000, 0u32..64), 1..25)
}

const PARTS: &[&str] = &[
    "in",
    "out",
    "file",
    "dir",
    "deep",
    "to-file",
    "to-dir",
    "to-nothing",
    "up",
    "root",
    "own",
    "own-dir",
    "back",
    "..",
    ".",
    "new",
    "new2",
    "loop",
    "empty",
    "",
];

/// A path by a number: relative or from the ground, of one to four parts.
fn path_of(ground: &Ground, mut number: usize) -> Vec<u8> {
    let mut path = match number % 4 {
        0 => Vec::new(),
        1 => ground.at("@/in/"),
        2 => ground.at("@/out/"),
        _ => [b"/proc/self/root", &ground.at("@/")[..]].concat(),
    };
    number /= 4;
    for _ in 0..=number % 3 {
        path.extend(PARTS[number % PARTS.len()].as_bytes());
        path.push(b'/');
        number = number / 3 + 7 * number + 1;
    }
    if !number.is_multiple_of(5) {
        path.pop();
    }
    path
}

fn request_of(
    ground: &Ground,
    id: u32,
    (of, one_path, other_path, flags): (usize, usize, usize, u32),
) -> Vec<u8> {
    let (a, b) = (path_of(ground, one_path), path_of(ground, other_path));
    let handle = n(flags % 5);
    match of {
        0..4 => open(id, a, flags),
        4 => one(7, id, a),
        5 => one(17, id, a),
        6 => one(11, id, a),
        7 => one(13, id, a),
        8 => one(15, id, a),
        9 => one(16, id, a),
        10 => one(19, id, a),
        11 => mode(14, id, a, 0o755),
        12 => mode(9, id, a, 0o600),
        13 => packet(9, &[&n(id), &s(a), &n(1), &q(0)]),
        14..17 => two(18, id, a, b),
        17 => extended(id, "posix-rename@openssh.com", &[&s(a), &s(b)]),
        18..21 => two(
            20,
            id,
            if flags % 2 == 0 {
                b.clone()
            } else {
                path_of(ground, other_path & !3)
            },
            a,
        ),
        21 => extended(id, "hardlink@openssh.com", &[&s(b), &s(a)]),
        22 => extended(id, "lsetstat@openssh.com", &[&s(a), &n(8), &n(1), &n(1)]),
        23..25 => read(id, handle, 0, 100),
        25 => write(id, handle, 0, b"written"),
        26 => packet(12, &[&n(id), &s(handle)]),
        27 => close(id, handle),
        28 => extended(
            id,
            "copy-data",
            &[&s(handle), &q(0), &q(0), &s(n((flags + 1) % 5)), &q(0)],
        ),
        _ => extended(id, "expand-path@openssh.com", &[&s(a)]),
    }
}

proptest! {
    /// Whatever is asked, alone or with others on their way, what lies outside is neither changed nor read.
    #[test]
    fn nothing_outside_is_touched_or_read(requests in some_requests(), at_once in 1usize..8, server in proptest::sample::select(&Realpath::ALL[..])) {
        let ground = Ground::new();
        let before = ground.outside();
        let mut session = ground.session(true, server);
        let requests: Vec<Vec<u8>> = requests
            .into_iter()
            .zip(1u32..)
            .map(|(request, id)| request_of(&ground, id, request))
            .collect();
        for some in requests.chunks(at_once) {
            let some: Vec<&[u8]> = some.iter().map(Vec::as_slice).collect();
            for seen in session.ask_all(&some) {
                let holds_secret = seen.rest.windows(SECRET.len()).any(|part| part == SECRET);
                prop_assert!(!holds_secret, "{:?}", seen);
            }
        }
        prop_assert_eq!(session.done.stopped, None);
        prop_assert_eq!(ground.outside(), before);
    }
}

/// The naive model of what the test above cannot see: that it would see it.
#[test]
fn without_the_interceptor_the_same_requests_do_touch_what_lies_outside() {
    use std::io::{Read, Write};
    let ground = Ground::new();
    let before = ground.outside();
    let mut child = std::process::Command::new(super::real::SERVER)
        .current_dir(ground.root.join("in"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let all = [
        init(),
        open(1, "to-nothing", 0x1a),
        two(18, 2, "file", "to-dir/new"),
    ]
    .concat();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&all).unwrap();
    let (mut output, mut answers) = (child.stdout.take().unwrap(), Vec::new());
    while apart(&answers).0.len() < 3 {
        let mut byte = [0];
        output.read_exact(&mut byte).unwrap();
        answers.extend(byte);
    }
    drop(input);
    child.wait().unwrap();
    assert_ne!(ground.outside(), before);
    let mode = fs::metadata(ground.root.join("out/new"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o400, 0o400);
}
