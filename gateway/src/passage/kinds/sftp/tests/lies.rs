//! An interceptor between two peers of which a test plays one, or both.

use super::super::{ClientFault, Complaint, Direction, Say, ServerFault, Sftp};

use super::packets::*;
use super::server::Server;
use super::{Done, all_below, give};

/// An interceptor that has greeted, with all of `/x` allowed.
pub(super) fn greeted() -> (Sftp, Server) {
    let (mut sftp, mut server) = (Sftp::new(None, Say::default()), Server::default());
    let mut todo = up(&mut sftp, &init()).to_target.concat();
    while !todo.is_empty() {
        let answers = server.read(&todo).concat();
        todo = down(&mut sftp, &answers).to_target.concat();
    }
    (sftp, server)
}

pub(super) fn up(sftp: &mut Sftp, bytes: &[u8]) -> Done {
    give(sftp, &all_below("/x"), Direction::ToTarget, bytes)
}

pub(super) fn down(sftp: &mut Sftp, bytes: &[u8]) -> Done {
    give(sftp, &all_below("/x"), Direction::ToTechnician, bytes)
}

/// Sends `request`, answers all questions of ours honestly, and gives the number of the request itself.
pub(super) fn on_its_way(sftp: &mut Sftp, server: &mut Server, request: &[u8]) -> u32 {
    let kind = request[4];
    let mut todo = up(sftp, request).to_target.concat();
    loop {
        let (asked, _) = apart(&todo);
        if let Some(itself) = asked.iter().find(|asked| asked.kind == kind) {
            let id = itself.id;
            // What is asked behind it is answered; it is not.
            for ours in asked.iter().filter(|asked| asked.kind != kind) {
                let fields = [&n(ours.id)[..], &ours.rest].concat();
                let answer = server.read(&packet(ours.kind, &[&fields])).concat();
                down(sftp, &answer);
            }
            return id;
        }
        assert!(!todo.is_empty());
        let answers = server.read(&todo).concat();
        todo = down(sftp, &answers).to_target.concat();
    }
}

pub(super) fn client(fault: ClientFault) -> Option<Complaint> {
    Some(Complaint::Client(fault))
}

pub(super) fn server(fault: ServerFault) -> Option<Complaint> {
    Some(Complaint::Server(fault))
}

pub(super) fn opened(
    sftp: &mut Sftp,
    server: &mut Server,
    client: u32,
    path: &str,
    flags: u32,
) -> Vec<u8> {
    let id = on_its_way(sftp, server, &open(client, path, flags));
    let name = format!("h{client}");
    let done = down(sftp, &handle(id, &name));
    assert_eq!(apart(&done.to_technician[0]).0[0].kind, 102);
    name.into_bytes()
}
