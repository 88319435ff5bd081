//! A file system in a table, as an honest target knows it: with links that lead out.

/// What stands at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    Directory,
    File,
    Link(&'static [u8]),
}

const NODES: &[(&[u8], Node)] = &[
    (b"/", Node::Directory),
    (b"/srv", Node::Directory),
    (b"/srv/in", Node::Directory),
    (b"/srv/in/file", Node::File),
    (b"/srv/in/wait", Node::File),
    (b"/srv/in/d", Node::Directory),
    (b"/srv/in/d/x", Node::File),
    (b"/srv/in/link", Node::Link(b"/etc/shadow")),
    (b"/srv/in/up", Node::Link(b"../..")),
    (b"/srv/in/root", Node::Link(b"/")),
    (b"/srv/in/own", Node::Link(b"d")),
    (b"/srv/in/nothing", Node::Link(b"/etc/new")),
    (b"/etc", Node::Directory),
    (b"/etc/shadow", Node::File),
    (b"/proc", Node::Directory),
    (b"/proc/self", Node::Directory),
    (b"/proc/self/root", Node::Link(b"/")),
];
/// Where the account starts.
const HOME: &[u8] = b"/srv/in";

/// What stands there, links not followed.
pub(crate) fn node(path: &[u8]) -> Option<Node> {
    let found = NODES.iter().find(|(at, _)| *at == path);
    found.map(|(_, node)| *node)
}

/// Where a path leads, all links followed but for the last name's where that is asked for; none where a part is missing.
/// The last name need not be there.
pub(crate) fn leads(path: &[u8], follows_last: bool) -> Option<Vec<u8>> {
    // The server's own process.
    if path == b"/proc/net" {
        return Some(b"/proc/77/net".to_vec());
    }
    let mut left: Vec<Vec<u8>> = parts(path);
    let mut at: Vec<Vec<u8>> = match path.first() {
        Some(b'/') => Vec::new(),
        _ => parts(HOME),
    };
    left.reverse();
    let mut steps = 0;
    while let Some(part) = left.pop() {
        steps += 1;
        if steps > 64 {
            return None;
        }
        if part == b".." {
            at.pop();
            continue;
        }
        at.push(part);
        match node(&joined(&at)) {
            Some(Node::Link(to)) if !left.is_empty() || follows_last => {
                at.pop();
                if to.starts_with(b"/") {
                    at.clear();
                }
                left.extend(parts(to).into_iter().rev());
            }
            Some(Node::Directory) => {}
            Some(Node::File | Node::Link(_)) | None if left.is_empty() => {}
            Some(Node::File | Node::Link(_)) | None => return None,
        }
    }
    Some(joined(&at))
}

fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let all = path.split(|byte| *byte == b'/');
    all.filter(|part| !matches!(*part, b"" | b"."))
        .map(<[u8]>::to_vec)
        .collect()
}

fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    [&b"/"[..], &parts.join(&b'/')].concat()
}
