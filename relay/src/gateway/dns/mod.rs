//! The DNS server that tabs are told of. Names of this host's hosts file and of the network itself are answered here;
//! everything else goes to the servers that this host asks itself.
//!
//! It is a forwarder, without a cache: tabs have one each. UDP and TCP; a client that gets a truncated answer by UDP
//! comes again by TCP (RFC 7766 §5), and then the upstream server is asked by TCP too where it must be.

mod hosts;
pub(super) mod tcp;
pub(super) mod udp;
mod upstream;

use crate::config::Plan;
use ethertab_stack::wire::dns::{PORT, Query, QueryError, ResponseCode};
use hosts::{Hosts, Local};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use upstream::Upstream;

/// Questions being forwarded at once, for all clients and for one.
const IN_FLIGHT: usize = 512;
const IN_FLIGHT_EACH: usize = 64;

/// What is known here, and whom to ask for the rest.
pub struct Answers {
    hosts: Hosts,
    upstream: Upstream,
    busy: Mutex<HashMap<IpAddr, usize>>,
}

/// How a question came, which bounds its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// On a connection.
    Tcp,
}

impl Answers {
    /// What this host knows and whom it asks.
    #[must_use]
    pub fn new(plan: &Plan) -> Arc<Answers> {
        Arc::new(Answers {
            hosts: Hosts::new(plan),
            upstream: Upstream::new(plan.name_servers.clone()),
            busy: Mutex::new(HashMap::new()),
        })
    }

    /// The answer to one message; `None`: say nothing.
    pub async fn answer(
        self: &Arc<Self>,
        message: &[u8],
        client: IpAddr,
        transport: Transport,
    ) -> Option<Vec<u8>> {
        let mut query = match Query::parse(message) {
            Ok(query) => query,
            Err(QueryError::Reply(reply)) => return Some(reply),
            Err(QueryError::Drop) => return None,
        };
        if transport == Transport::Tcp {
            query.udp_size = usize::MAX;
        }
        match self.hosts.look_up(&query.question) {
            Local::Answer(records) => {
                let mut response = query.respond(ResponseCode::NO_ERROR);
                for data in &records {
                    response.answer(&query.question.name, hosts::TIME_TO_LIVE, data);
                }
                return Some(query.finish(response));
            }
            Local::NoSuchName => return Some(query.failure(ResponseCode::NAME_ERROR)),
            Local::Unknown => {}
        }
        // Too many at once: silence makes the client wait before it asks again, an error would not.
        let _seat = Seat::take(self, client)?;
        let failure = || query.failure(ResponseCode::SERVER_FAILURE);
        let response = self.upstream.ask(message, &query, transport).await;
        Some(
            response
                .and_then(|response| query.relay(response))
                .unwrap_or_else(failure),
        )
    }
}

/// A place among the questions in flight, given back when dropped.
struct Seat {
    answers: Arc<Answers>,
    client: IpAddr,
}

impl Seat {
    fn take(answers: &Arc<Answers>, client: IpAddr) -> Option<Seat> {
        let mut busy = answers.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = busy.values().sum();
        let own = busy.get(&client).copied().unwrap_or(0);
        if all >= IN_FLIGHT || own >= IN_FLIGHT_EACH {
            tracing::debug!(
                "DNS: a question of {client} was dropped, {own} of its own are in flight, {all} in all"
            );
            return None;
        }
        busy.insert(client, own + 1);
        Some(Seat {
            answers: Arc::clone(answers),
            client,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut busy = self
            .answers
            .busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match busy.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(busy.remove(&self.client)),
        }
    }
}

/// Where questions come to: every address of the gateway.
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT);
