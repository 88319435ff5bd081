//! A lock before a server, which can be shut and counts what the server sends.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use anyhow::Result;

/// What stands before a server: whoever comes waits there while it is shut.
pub(super) struct Lock {
    pub(super) port: u16,
    /// How many wait.
    pub(super) waits: Arc<AtomicUsize>,
    /// What the server sent to whoever came. **Unit**: bytes.
    pub(super) sent: Arc<AtomicUsize>,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    is_shut: bool,
    target: u16,
}

impl Lock {
    pub(super) fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let lock = Self {
            port: listener.local_addr()?.port(),
            waits: Arc::default(),
            sent: Arc::default(),
            state: Arc::default(),
        };
        let (waits, state) = (Arc::clone(&lock.waits), Arc::clone(&lock.state));
        let sent = Arc::clone(&lock.sent);
        thread::spawn(move || {
            for coming in listener.incoming().map_while(io::Result::ok) {
                let (waits, state) = (Arc::clone(&waits), Arc::clone(&state));
                let sent = Arc::clone(&sent);
                thread::spawn(move || {
                    waits.fetch_add(1, SeqCst);
                    let (state, changed) = &*state;
                    let state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    let open = changed.wait_while(state, |state| state.is_shut);
                    let target = open.unwrap_or_else(PoisonError::into_inner).target;
                    waits.fetch_sub(1, SeqCst);
                    let _ = joined(coming, target, &sent);
                });
            }
        });
        Ok(lock)
    }

    pub(super) fn leads_to(&self, target: u16) {
        self.change(|state| state.target = target);
    }

    pub(super) fn shut(&self, is_shut: bool) {
        self.change(|state| state.is_shut = is_shut);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.state;
        change(&mut state.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_all();
    }
}

/// Carries both ways until both have ended, and counts what comes back.
fn joined(mut coming: TcpStream, target: u16, sent: &AtomicUsize) -> io::Result<()> {
    let mut going = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
    let (mut from, mut to) = (coming.try_clone()?, going.try_clone()?);
    let up = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut piece = vec![0; 64 << 10];
    while let Ok(read @ 1..) = going.read(&mut piece) {
        sent.fetch_add(read, SeqCst);
        let read = piece.get(..read).unwrap_or_default();
        if coming.write_all(read).is_err() {
            break;
        }
    }
    let _ = coming.shutdown(Shutdown::Write);
    let _ = up.join();
    Ok(())
}
