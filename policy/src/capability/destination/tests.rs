//! Spellings of one place, and places that nobody is let to.

use std::net::{Ipv4Addr, ToSocketAddrs};

use super::*;

mod anything;
mod bypasses;

fn at(text: &str) -> Destination {
    Destination::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

fn line(text: &str) -> ForwardLine {
    parsed(text)
        .unwrap()
        .unwrap_or_else(|problem| panic!("{text}: {problem:?}"))
}

/// A line as a document has it.
fn parsed(text: &str) -> Option<Result<ForwardLine, (&'static str, String)>> {
    let (family, rest) = text.split_once(':')?;
    ForwardLine::parse(family, rest.strip_prefix(' ').unwrap_or(rest))
}

fn asked(host: &str, port: u32) -> Result<ForwardRequest, DestinationError> {
    Destination::asked(host, port).map(ForwardLine::Forward)
}

/// The world of these tests: `db01` is where the session is.
struct World {
    gateway: Vec<Host>,
    own: Door<&'static str>,
    others: Vec<Door<&'static str>>,
}

impl World {
    fn new() -> Self {
        let host = |text: &str| Host::parse(text).unwrap();
        Self {
            gateway: vec![
                host("10.0.0.1"),
                host("ecluse.hopital.example"),
                host("2001:db8::1"),
            ],
            own: Door::of("db01", "10.1.2.3", 22),
            others: vec![
                Door::of("web01", "10.1.2.4", 22),
                Door::of("switch", "switch.hopital.example", 2222),
            ],
        }
    }

    fn known(&self) -> Known<'_, &'static str> {
        Known {
            gateway: &self.gateway,
            gateway_ports: &[22, 443],
            own: &self.own,
            others: &self.others,
        }
    }

    fn judge(&self, host: &str, port: u32, lines: &[&str]) -> String {
        let lines: Vec<ForwardLine> = lines.iter().map(|text| line(text)).collect();
        let Ok(asked) = asked(host, port) else {
            return "no spelling".to_owned();
        };
        let Some(line) = lines.iter().find(|line| line.includes(&asked)) else {
            return "not listed".to_owned();
        };
        match self.known().never(line) {
            None => line.to_string(),
            Some(NoForward::Gateway) => "gateway".to_owned(),
            Some(NoForward::Door(target)) => format!("door of {target}"),
        }
    }
}

/// F6: a name that the target resolves is a door where it is a target's own.
#[test]
fn f6_a_target_by_its_id_is_its_door() {
    let world = World::new();
    for (host, port, judged) in [
        ("web01", 22, "door of web01"),
        ("WEB01.", 22, "door of web01"),
        ("switch", 22, "door of switch"),
        ("switch", 2222, "door of switch"),
        ("web01", 80, "forward: web01:80"),
        ("web02", 22, "forward: web02:22"),
    ] {
        let line = format!("forward: {}:{port}", host.trim_end_matches('.'));
        assert_eq!(world.judge(host, port, &[&line]), judged, "{host}:{port}");
    }
}

#[test]
fn each_place_has_one_spelling() {
    for (written, canonical) in [
        ("127.0.0.1:5432", "127.0.0.1:5432"),
        ("localhost:5432", "127.0.0.1:5432"),
        ("LOCALHOST.:5432", "127.0.0.1:5432"),
        ("[::ffff:127.0.0.1]:5432", "127.0.0.1:5432"),
        ("[::FFFF:7F00:1]:5432", "127.0.0.1:5432"),
        ("127.0.0.1.:5432", "127.0.0.1:5432"),
        ("127.0.0.2:53", "127.0.0.2:53"),
        ("[::1]:22", "[::1]:22"),
        ("[0:0:0:0:0:0:0:1]:22", "[::1]:22"),
        ("[2001:DB8:0::1]:443", "[2001:db8::1]:443"),
        ("DB.Hopital.Example.:5432", "db.hopital.example:5432"),
        ("_service.db:1", "_service.db:1"),
        ("xn--t-ccab.example:65535", "xn--t-ccab.example:65535"),
        ("10.example:80", "10.example:80"),
    ] {
        assert_eq!(at(written).to_string(), canonical, "{written}");
        assert_eq!(at(canonical).to_string(), canonical, "read back");
    }
}

#[test]
fn what_two_readers_read_differently_has_none() {
    for host in [
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "0X7F.0.0.1",
        "0177.0.0.1",
        "2130706433",
        "017700000001",
        "127.0.0.01",
        "127.0.0.0x1",
        "256.1.1.1",
        "1.2.3.4.5",
        "10",
        "x.1",
        "x.0x1",
    ] {
        assert_eq!(Host::parse(host), Err(HostError::Number), "{host}");
        assert_eq!(
            Host::parse(&format!("{host}.")),
            Err(HostError::Number),
            "{host}."
        );
    }
    for host in [
        "0.0.0.0",
        "0.0.0.0.",
        "0.1.2.3",
        "::",
        "::ffff:0.0.0.0",
        "0:0:0:0:0:0:0:0",
    ] {
        assert_eq!(Host::parse(host), Err(HostError::Unspecified), "{host}");
    }
    for host in [
        "fe80::1%eth0",
        "::1%lo",
        "fe80::1%25eth0",
        "127.0.0.1%lo",
        "localhost%00",
    ] {
        assert_eq!(Host::parse(host), Err(HostError::Zone), "{host}");
    }
    for host in [
        "a.localhost",
        "localhost.localdomain",
        "IP6-localhost",
        "ip6-loopback",
        "localhost6",
        "x.y.LOCALHOST.",
    ] {
        assert_eq!(Host::parse(host), Err(HostError::Itself), "{host}");
    }
    for host in [
        "::g",
        "[::1]",
        ":",
        "::1::",
        "1:2",
        "::127.1",
        "2001:db8::1/64",
    ] {
        assert!(Host::parse(host).is_err(), "{host}");
    }
    for host in [
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "a..",
        "-a",
        "a-",
        "a b",
        " a",
        "a\n",
        "a\0b",
        "été.example",
        "１２７.0.0.1",
        "127。0。0。1",
        "ⓛocalhost",
        "loc\u{ad}alhost",
        "a/b",
        "a@b",
        "a*",
        "*",
        "*.example",
        "a,b",
    ] {
        assert_eq!(Host::parse(host), Err(HostError::Name), "{host:?}");
    }
    assert_eq!(Host::parse(&"a".repeat(64)), Err(HostError::Name));
    assert_eq!(Host::parse(&["a"; 130].join(".")), Err(HostError::Name));
}

#[test]
fn a_port_is_a_number_of_a_port() {
    for text in [
        "h:0",
        "h:",
        "h:pgsql",
        "h:022",
        "h:+22",
        "h:-1",
        "h: 22",
        "h:22 ",
        "h:65536",
        "h:4294967318",
        "h:2２",
        "h:1-2",
        "h:*",
    ] {
        assert_eq!(
            Destination::parse(text),
            Err(DestinationError::Port),
            "{text}"
        );
    }
    for text in [
        "h",
        "",
        "::1:22",
        "[h]:22",
        "[127.0.0.1]:22",
        "[::1:22",
        "::1]:22",
        "[::1]",
        "[[::1]]:22",
    ] {
        assert!(Destination::parse(text).is_err(), "{text}");
    }
}

/// A port has four bytes on the wire: 65558 is 22 for whoever keeps two of them.
#[test]
fn a_port_beyond_the_last_is_not_one_of_the_first() {
    for port in [0, 65_536, 65_536 + 22, 65_536 + 5432, u32::MAX] {
        assert_eq!(
            Destination::asked("127.0.0.1", port),
            Err(DestinationError::Port),
            "{port}"
        );
    }
}

#[test]
fn f2_a_forward_passes_where_a_line_names_it_and_nowhere_else() {
    let world = World::new();
    let lines = [
        "forward: 127.0.0.1:5432",
        "forward: db.hopital.example:5432",
        "socket: /run/x.sock",
    ];
    for host in ["127.0.0.1", "localhost", "LocalHost.", "::ffff:127.0.0.1"] {
        assert_eq!(
            world.judge(host, 5432, &lines),
            "forward: 127.0.0.1:5432",
            "{host}"
        );
    }
    assert_eq!(
        world.judge("DB.hopital.example.", 5432, &lines),
        "forward: db.hopital.example:5432"
    );
    for (host, port) in [
        ("127.0.0.1", 5433),
        ("::1", 5432),
        ("127.0.0.2", 5432),
        ("10.1.2.3", 5432),
        ("db", 5432),
        ("hopital.example", 5432),
        ("xdb.hopital.example", 5432),
    ] {
        assert_eq!(
            world.judge(host, port, &lines),
            "not listed",
            "{host}:{port}"
        );
        assert_eq!(world.judge(host, port, &[]), "not listed", "{host}:{port}");
    }
}

#[test]
fn f6_another_target_and_the_gateway_are_reached_only_where_a_line_says_so_and_their_doors_never() {
    let world = World::new();
    assert_eq!(
        world.judge("10.1.2.4", 5432, &["forward: 127.0.0.1:5432"]),
        "not listed"
    );
    assert_eq!(
        world.judge("10.1.2.4", 5432, &["forward: 10.1.2.4:5432"]),
        "forward: 10.1.2.4:5432"
    );
    assert_eq!(
        world.judge("10.0.0.1", 9100, &["forward: 10.0.0.1:9100"]),
        "forward: 10.0.0.1:9100"
    );
    for (host, port, becomes) in [
        ("10.1.2.4", 22, "door of web01"),
        ("::ffff:10.1.2.4", 22, "door of web01"),
        ("SWITCH.hopital.example.", 2222, "door of switch"),
        ("10.1.2.3", 22, "door of db01"),
        ("127.0.0.1", 22, "door of db01"),
        ("localhost", 22, "door of db01"),
        ("127.1.2.3", 22, "door of db01"),
        ("::1", 22, "door of db01"),
        ("10.0.0.1", 22, "gateway"),
        ("10.0.0.1", 443, "gateway"),
        ("Ecluse.hopital.example", 443, "gateway"),
        ("2001:db8::1", 22, "gateway"),
    ] {
        let listed = line(&format!(
            "forward: {}",
            Destination::asked(host, port).unwrap()
        ))
        .to_string();
        assert_eq!(
            world.judge(host, port, &[&listed]),
            becomes,
            "{host}:{port}"
        );
        // Who is not told of it hears what everybody hears.
        assert_eq!(world.judge(host, port, &[]), "not listed", "{host}:{port}");
    }
}

/// Teleport #1487: with a recording proxy a `direct-tcpip` to another node's SSH port made a session that nobody recorded.
/// Teleport #2241, #2337, #3492: forwards were all or none. One port that is listed opens no other.
/// Teleport's GHSA-c9v7-wmwj-vf6x (#36136): what a proxy itself can reach was open to whoever could log on to it.
/// Warpgate #950: `-L 9999:127.0.0.1:22` made a tunnel to the target's own SSH server, past the recording.
/// JumpServer's filters match what is typed, so that another spelling passes (PEERS §2.2: "pass or break"). A spelling is no way past here.
#[test]
fn a_socket_is_one_path() {
    assert_eq!(
        line("socket: /run/postgresql/.s.PGSQL.5432").to_string(),
        "socket: /run/postgresql/.s.PGSQL.5432"
    );
    for bad in [
        "x",
        "",
        "/",
        "/run/",
        "/run//x",
        "/run/../x",
        "/run/./x",
        "/run/*",
        "/run/x?",
        "/run/[x]",
        "/run/{x}",
        "/run/x\\",
        "/run/x ",
        "/run/\u{202e}x",
        "@x",
    ] {
        assert!(SocketPath::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(SocketPath::asked(b"/run/\0x"), Err(SocketError::Spelling));
    assert_eq!(SocketPath::asked(b"\0abstract"), Err(SocketError::Spelling));
    assert_eq!(
        SocketPath::asked(&[b"/", &[b'a'; 107][..]].concat()),
        Err(SocketError::TooLong)
    );
    assert!(SocketPath::asked(b"/run/caf\xe9").is_ok());
    let listed = line("socket: /run/x.sock");
    assert!(listed.includes(&line("socket: /run/x.sock")));
    assert!(!listed.includes(&line("socket: /run/x.sock2")));
}

#[test]
fn families_do_not_stand_in_for_one_another() {
    let (forward, socket) = (line("forward: a:1"), line("socket: /a"));
    assert!(!forward.includes(&socket) && !socket.includes(&forward));
    assert_eq!(forward.common(&socket), None);
    assert_eq!(forward.common(&forward), Some(forward.clone()));
    assert_eq!((forward.family(), socket.family()), ("forward", "socket"));
    assert!(parsed("remote-forward: 1").is_none() && parsed("shell").is_none());
    assert!(parsed("forward: *:*").unwrap().is_err() && parsed("forward:").unwrap().is_err());
}

/// What the resolver of this machine makes of numbers, which is why they have no spelling: it reads them as loopback.
#[test]
fn the_numbers_that_are_refused_are_loopback_for_a_resolver() {
    for host in ["127.1", "0x7f.1", "2130706433", "0177.0.0.1"] {
        if let Ok(mut addresses) = (host, 22).to_socket_addrs() {
            assert!(
                addresses.any(|address| address.ip() == Ipv4Addr::LOCALHOST),
                "{host}"
            );
        }
        assert!(Host::parse(host).is_err());
    }
}
