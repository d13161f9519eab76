//! What the socket floor calls: OPEN in both forms, and everything that a program does to a connection by its name.

use super::connection::Connection;
use super::shared::Shared;
use super::{News, Tcp, TcpInfo};
use crate::buffer::copy;
use crate::config::{ListenOptions, TcpOptions};
use crate::event::{ListenerId, TcpId};
use crate::time::{Duration, Instant};
use crate::transport::demux::FourTuple;
use crate::transport::{BindError, ConnectError, TcpError};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::task::Poll;

impl Tcp {
    /// RFC 9293 §3.10.1, active OPEN, from `local`, where port 0 stands for any, over a path that carries packets of
    /// `path_mtu` bytes.
    ///
    /// # Errors
    /// If the destination cannot be one, the port is taken, or there are too many connections.
    pub fn connect(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
        path_mtu: usize,
        options: &TcpOptions,
        now: Instant,
    ) -> Result<TcpId, ConnectError> {
        if remote.port() == 0 || !is_one_host(remote.ip()) {
            return Err(ConnectError::InvalidDestination);
        }
        if self.table.is_full() {
            return Err(ConnectError::TooMany);
        }
        let wanted = match local.port() {
            0 => options.local_port.unwrap_or(0),
            port => port,
        };
        let from = |port| FourTuple {
            local: SocketAddr::new(local.ip(), port),
            remote,
        };
        let is_unused = |tuple: FourTuple| {
            !self.connections.contains(&tuple) && !self.time_waits.contains(&tuple)
        };
        let port = if wanted != 0 {
            Some(wanted).filter(|&port| is_unused(from(port)))
        } else {
            self.ports.for_connection(local.ip(), remote, |port| {
                let tuple = from(port);
                is_unused(tuple) && self.bindings.is_free(tuple.local)
            })
        };
        let tuple = from(port.ok_or(ConnectError::PortInUse)?);
        let initial = self.numbers.initial(tuple.local, tuple.remote, now);
        let mut connection = Connection::new(tuple, initial, path_mtu, options, &self.shared, now);
        connection.open(options, now);
        let index = self.enter(connection);
        self.attend(index, now);
        Ok(self.table.name(index))
    }

    /// RFC 9293 §3.10.1, passive OPEN. Port 0 picks one.
    ///
    /// # Errors
    /// If the port is taken, or there are too many listeners.
    pub fn listen(
        &mut self,
        local: SocketAddr,
        options: &ListenOptions,
    ) -> Result<ListenerId, BindError> {
        if self.listeners.len() >= self.shared.config.connections {
            return Err(BindError::TooMany);
        }
        let port = match local.port() {
            0 => self
                .ports
                .at_random(|port| self.bindings.is_free(SocketAddr::new(local.ip(), port)))
                .ok_or(BindError::PortInUse)?,
            port => port,
        };
        let local = SocketAddr::new(local.ip(), port);
        if !self.bindings.insert(local, self.listeners.next_number()) {
            return Err(BindError::PortInUse);
        }
        Ok(self.listeners.insert(local, options))
    }

    /// Takes the oldest connection that waits at a listener.
    pub(crate) fn accept(&mut self, id: ListenerId) -> Option<(TcpId, SocketAddr)> {
        let listener = self.listeners.at_mut(id)?;
        let index = listener.pop_waiting()?;
        let connection = self.table.at_mut(index)?;
        connection.listener = None;
        connection.program.in_event_queue = false;
        let remote = connection.tuple.remote;
        // What happened before is told again, now that somebody listens.
        if connection.program.has_news() {
            connection.program.in_event_queue = true;
            self.events.push_back(News::Connection(index));
        }
        Some((self.table.name(index), remote))
    }

    /// Where a listener listens.
    pub(crate) fn listener_address(&self, id: ListenerId) -> Option<SocketAddr> {
        self.listeners.at(id).map(|listener| listener.local)
    }

    /// Stops listening. What nobody accepted is reset.
    pub(crate) fn close_listener(&mut self, id: ListenerId) {
        let Some(mut listener) = self.listeners.remove(id) else {
            return;
        };
        self.bindings.remove(listener.local);
        for index in listener.drain() {
            if let Some(connection) = self.table.at_mut(index) {
                connection.reset(&mut self.shared, None);
                self.remove(index);
            }
        }
    }

    /// Does something to a connection, and then all that follows from it.
    fn with<R>(
        &mut self,
        id: TcpId,
        now: Instant,
        act: impl FnOnce(&mut Connection, &mut Shared) -> R,
    ) -> Result<R, TcpError> {
        let index = self.table.find(id).ok_or(TcpError::Closed)?;
        let connection = self.table.at_mut(index).ok_or(TcpError::Closed)?;
        let result = act(connection, &mut self.shared);
        self.attend(index, now);
        Ok(result)
    }

    fn poll_with<R>(
        &mut self,
        id: TcpId,
        now: Instant,
        act: impl FnOnce(&mut Connection) -> Poll<Result<R, TcpError>>,
    ) -> Poll<Result<R, TcpError>> {
        self.with(id, now, |connection, _| act(connection))
            .unwrap_or_else(|stale| Poll::Ready(Err(stale)))
    }

    fn look_at(&self, id: TcpId) -> Result<&Connection, TcpError> {
        let index = self.table.find(id);
        index
            .and_then(|index| self.table.at(index))
            .ok_or(TcpError::Closed)
    }

    /// Whether connecting has ended, and how.
    pub(crate) fn connected(&self, id: TcpId) -> Poll<Result<(), TcpError>> {
        match self.look_at(id) {
            Ok(connection) => connection.connected(),
            Err(stale) => Poll::Ready(Err(stale)),
        }
    }

    /// RECEIVE.
    pub(crate) fn read(
        &mut self,
        id: TcpId,
        out: &mut [u8],
        now: Instant,
    ) -> Poll<Result<usize, TcpError>> {
        let mut filled = 0;
        self.read_with(id, out.len(), now, &mut |bytes, _| {
            copy(bytes, &mut out[filled..filled + bytes.len()]);
            filled += bytes.len();
        })
    }

    /// RECEIVE without a buffer: `sink` as for [`TcpSocket::read_with`](crate::socket::TcpSocket::read_with).
    pub(crate) fn read_with(
        &mut self,
        id: TcpId,
        most: usize,
        now: Instant,
        sink: &mut dyn FnMut(&[u8], usize),
    ) -> Poll<Result<usize, TcpError>> {
        self.with(id, now, |connection, shared| {
            connection.read_with(most, &mut shared.spares, sink)
        })
        .unwrap_or_else(|stale| Poll::Ready(Err(stale)))
    }

    /// SEND.
    pub(crate) fn write(
        &mut self,
        id: TcpId,
        bytes: &[u8],
        now: Instant,
    ) -> Poll<Result<usize, TcpError>> {
        self.poll_with(id, now, |connection| connection.write(bytes))
    }

    /// SEND with the URGENT flag.
    pub(crate) fn write_urgent(
        &mut self,
        id: TcpId,
        bytes: &[u8],
        now: Instant,
    ) -> Poll<Result<usize, TcpError>> {
        self.poll_with(id, now, |connection| connection.write_urgent(bytes))
    }

    /// Bytes up to the end of urgent data.
    pub(crate) fn urgent(&self, id: TcpId) -> Option<usize> {
        self.look_at(id).ok()?.urgent()
    }

    /// Whether all that was written is acknowledged.
    pub(crate) fn flushed(&mut self, id: TcpId, now: Instant) -> Poll<Result<(), TcpError>> {
        self.poll_with(id, now, Connection::flushed)
    }

    /// CLOSE: our half.
    pub(crate) fn finish(&mut self, id: TcpId, now: Instant) -> Result<(), TcpError> {
        self.with(id, now, |connection, _| connection.finish())?
    }

    /// CLOSE: the program gives the connection back. The name is stale afterwards.
    pub(crate) fn close(&mut self, id: TcpId, now: Instant) {
        let index = self.table.find(id);
        let act = |connection: &mut Connection, shared: &mut Shared| connection.close(shared, now);
        if self.with(id, now, act).is_ok()
            && let Some(index) = index
            && self.table.find(id).is_some()
        {
            self.table.forget_name(index);
        }
    }

    /// ABORT. The name is stale afterwards.
    pub(crate) fn abort(&mut self, id: TcpId, now: Instant) {
        let _ = self.with(id, now, |connection, shared| {
            connection.reset(shared, Some(TcpError::Aborted));
            connection.program.has_let_go = true;
        });
    }

    /// Turns Nagle's algorithm off or on (RFC 9293 §3.7.4, MUST-17).
    pub(crate) fn set_no_delay(&mut self, id: TcpId, no_delay: bool, now: Instant) {
        let _ = self.with(id, now, |connection, _| connection.send.no_delay = no_delay);
    }

    /// Sets the differentiated services codepoint of segments from now on.
    pub(crate) fn set_differentiated_services(&mut self, id: TcpId, codepoint: u8, now: Instant) {
        let _ = self.with(id, now, |connection, _| {
            connection.send.dscp = codepoint & 0x3f;
        });
    }

    /// Sets or stops keep-alive.
    pub(crate) fn set_keep_alive(&mut self, id: TcpId, idle: Option<Duration>, now: Instant) {
        let _ = self.with(id, now, |connection, _| {
            connection.set_keep_alive(idle, now);
        });
    }

    /// Sets the user timeout; `None`: the default.
    pub(crate) fn set_user_timeout(&mut self, id: TcpId, timeout: Option<Duration>, now: Instant) {
        let _ = self.with(id, now, |connection, shared| {
            connection.liveness.user_timeout = timeout.unwrap_or(shared.config.user_timeout);
        });
    }

    /// Sets how long [`close`](Self::close) may go on delivering.
    pub(crate) fn set_linger(&mut self, id: TcpId, linger: Option<Duration>, now: Instant) {
        let _ = self.with(id, now, |connection, _| connection.liveness.linger = linger);
    }

    /// Both ends of a connection.
    pub(crate) fn addresses(&self, id: TcpId) -> Result<FourTuple, TcpError> {
        Ok(self.look_at(id)?.tuple)
    }

    /// STATUS.
    pub(crate) fn info(&self, id: TcpId) -> Result<TcpInfo, TcpError> {
        Ok(self.look_at(id)?.info())
    }
}

/// Whether the address can be one host's (RFC 9293 §3.9.2.3, MUST-46 and MUST-63).
pub(super) fn is_one_host(address: IpAddr) -> bool {
    !address.is_unspecified()
        && !address.is_multicast()
        && address != IpAddr::V4(Ipv4Addr::BROADCAST)
}
