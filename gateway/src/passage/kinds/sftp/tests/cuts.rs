//! Whatever the bytes are and however they are cut.

use super::super::{Direction, Say, Sftp};
use super::packets::*;
use super::server::Server;
use super::{all_below, give, now};
use proptest::prelude::*;

fn some_request() -> impl Strategy<Value = Vec<u8>> {
    let path = || {
        prop_oneof![
            Just("/x/a"),
            Just("/x/b/c"),
            Just("/etc/passwd"),
            Just("rel"),
            Just(""),
            Just("/x/../y")
        ]
    };
    let h = || (1u32..6).prop_map(n);
    prop_oneof![
        (path(), 0u32..64).prop_map(|(path, flags)| open(0, path, flags)),
        (h()).prop_map(|h| close(0, h)),
        (h(), 0u64..3_000_000).prop_map(|(h, offset)| read(0, h, offset, 100)),
        (h(), proptest::collection::vec(any::<u8>(), 0..2_000))
            .prop_map(|(h, data)| write(0, h, 5, &data)),
        (path(), 0usize..8).prop_map(|(path, of)| one(
            [7, 11, 13, 15, 16, 17, 19, 250][of],
            0,
            path
        )),
        (path(), path(), 0usize..2).prop_map(|(a, b, of)| two([18, 20][of], 0, a, b)),
        path().prop_map(|path| extended(0, "statvfs@openssh.com", &[&s(path)])),
        path().prop_map(|path| extended(0, "unknown@x", &[&s(path)])),
    ]
}

/// Puts the requests through, cut so, and says all that came out at each end.
fn through(
    requests: &[Vec<u8>],
    cut_up: &[usize],
    cut_down: &[usize],
) -> (Vec<u8>, Vec<u8>, usize) {
    let lines = all_below("/x");
    let mut sftp = Sftp::new(None, Say::default());
    let mut server = Server::default();
    let (mut up, mut down, mut log) = (Vec::new(), Vec::new(), 0);
    let mut ups = cut_up.iter().copied().cycle();
    let mut downs = cut_down.iter().copied().cycle();
    let mut wire = init();
    // The answers come once all is given: what follows depends on the bytes alone.
    for request in std::iter::once(&Vec::new()).chain(requests) {
        wire.extend(request);
        let mut rest = std::mem::take(&mut wire);
        while !rest.is_empty() {
            let part = ups.next().unwrap().min(rest.len());
            let part: Vec<u8> = rest.drain(..part).collect();
            let done = give(&mut sftp, &lines, Direction::ToTarget, &part);
            let mut todo = done.to_target.concat();
            down.extend(done.to_technician.concat());
            log += done.log.len();
            while !todo.is_empty() {
                up.extend(&todo);
                let mut answers = server.read(&todo).concat();
                todo.clear();
                while !answers.is_empty() {
                    let part = downs.next().unwrap().min(answers.len());
                    let part: Vec<u8> = answers.drain(..part).collect();
                    let done = give(&mut sftp, &lines, Direction::ToTechnician, &part);
                    todo.extend(done.to_target.concat());
                    down.extend(done.to_technician.concat());
                    log += done.log.len();
                }
            }
        }
    }
    (up, down, log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// However both directions are cut, both sides get the same bytes.
    #[test]
    fn any_cut_gives_the_same_result(
        requests in proptest::collection::vec(some_request(), 1..30),
        up in proptest::collection::vec(1usize..300, 1..10),
        down in proptest::collection::vec(1usize..300, 1..10),
    ) {
        let numbered: Vec<Vec<u8>> = requests
            .iter()
            .zip(1u32..)
            .map(|(request, id)| [&request[..5], &n(id), &request[9..]].concat())
            .collect();
        let whole = through(&numbered, &[1 << 20], &[1 << 20]);
        let cut = through(&numbered, &up, &down);
        prop_assert_eq!(&whole, &cut);
        // Every request is answered once, by its number.
        let (seen, rest) = apart(&whole.1);
        prop_assert!(rest.is_empty());
        let mut ids: Vec<u32> = seen[1..].iter().map(|seen| seen.id).collect();
        ids.sort_unstable();
        prop_assert_eq!(ids, (1..=u32::try_from(requests.len()).unwrap()).collect::<Vec<u32>>());
    }

    /// Whatever bytes come from either side, nothing panics, and nothing outside the lines is asked of the target.
    #[test]
    fn any_bytes_at_all_are_survived(
        up in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..20),
        down in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..20),
        greets in any::<bool>(),
    ) {
        let mut sftp = Sftp::new(None, Say::default());
        let lines = all_below("/x");
        if greets {
            give(&mut sftp, &lines, Direction::ToTarget, &init());
            give(&mut sftp, &lines, Direction::ToTechnician, &version(super::server::EXTENSIONS));
        }
        let framed = |body: &Vec<u8>| [&n(u32::try_from(body.len()).unwrap())[..], body].concat();
        for (up, down) in up.iter().zip(&down) {
            give(&mut sftp, &lines, Direction::ToTarget, &framed(up));
            give(&mut sftp, &lines, Direction::ToTechnician, &framed(down));
        }
        let mut steps = Vec::new();
        sftp.finish(now(), &mut steps);
    }
}
