//! Ways past forwards that were published of others, each a test here (PEERS.md).

use super::*;

#[test]
fn teleport_1487_no_forward_makes_a_session_that_nobody_records() {
    let world = World::new();
    for host in ["10.1.2.4", "::ffff:10.1.2.4", "::FFFF:a01:204"] {
        assert_eq!(
            world.judge(host, 22, &["forward: 10.1.2.4:22"]),
            "door of web01",
            "{host}"
        );
    }
    for host in ["10.1.516", "0xa.1.2.4", "167838212", "012.1.2.4"] {
        assert_eq!(
            world.judge(host, 22, &["forward: 10.1.2.4:22"]),
            "no spelling",
            "{host}"
        );
    }
}

#[test]
fn teleport_2241_one_port_opens_no_other() {
    let world = World::new();
    for port in 1..=2_000 {
        let becomes = world.judge("127.0.0.1", port, &["forward: 127.0.0.1:1433"]);
        assert_eq!(becomes != "not listed", port == 1433, "{port}");
    }
}

#[test]
fn teleport_36136_the_gateway_is_no_place_to_go_to() {
    let world = World::new();
    for (host, port) in [
        ("10.0.0.1", 22),
        ("10.0.0.1", 443),
        ("ecluse.hopital.example", 22),
    ] {
        let known = world.known();
        let listed = line(&format!("forward: {host}:{port}"));
        assert_eq!(
            known.never(&listed),
            Some(NoForward::Gateway),
            "and `check` says so"
        );
    }
}

#[test]
fn warpgate_950_the_target_s_own_door_is_no_forward() {
    let world = World::new();
    for host in [
        "127.0.0.1",
        "localhost",
        "::1",
        "127.0.0.53",
        "10.1.2.3",
        "::ffff:127.0.0.1",
    ] {
        assert!(
            !world
                .judge(
                    host,
                    22,
                    &[
                        "forward: 127.0.0.1:22",
                        "forward: [::1]:22",
                        "forward: 127.0.0.53:22",
                        "forward: 10.1.2.3:22"
                    ]
                )
                .starts_with("forward"),
            "{host}"
        );
    }
}

#[test]
fn jumpserver_another_spelling_of_what_is_refused_is_refused() {
    let world = World::new();
    let lines = ["forward: 127.0.0.1:5432"];
    for host in [
        "127.1",
        "0x7f.1",
        "2130706433",
        "0",
        "0.0.0.0",
        "::",
        "::1",
        "::ffff:7f00:1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1.",
        "a.localhost",
        "127.0.0.1%0",
        "127.0.0.1\0.x",
        "127.0.0.1 ",
    ] {
        for port in [22, 65_558, 0] {
            assert!(
                !world.judge(host, port, &lines).starts_with("forward"),
                "{host:?} {port}"
            );
        }
    }
}
