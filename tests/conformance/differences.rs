//! The answers of other servers to `dialogues.txt` beside ours. Where they
//! differ, `differences.txt` has a row with the reason.
//!
//! `UPDATE_DIFFERENCES=1 cargo test --test conformance differences` writes the
//! rows anew, keeping reasons, with `?` where one is to be found.

use super::peers::{Peer, ironftpd};
use super::script::perform;
use super::support::differences::{Answers, by_step, compare};
use super::support::left_out;
use super::table::place;

const PEERS: [Peer; 2] = [Peer::Vsftpd, Peer::Proftpd];

/// The answers of a peer by step, or nothing where it cannot be had.
fn answers(peer: Peer) -> Option<Answers> {
    match peer.start() {
        Ok(running) => Some(by_step(perform(running.address))),
        Err(reason) => {
            left_out(&format!("{peer:?}: {reason}"));
            None
        }
    }
}

#[test]
fn other_servers_answer_alike_but_for_what_is_known() {
    let peers = PEERS.map(answers);
    if peers.iter().all(Option::is_none) {
        return;
    }
    let server = ironftpd();
    let ours = perform(server.address());
    compare(&place("differences.txt"), &ours, &peers, |_| true);
}
