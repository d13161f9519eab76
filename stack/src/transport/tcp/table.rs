//! Where connections live: slots with generations, so that a name that outlived its connection finds nothing.

use super::connection::Connection;
use crate::event::TcpId;
use alloc::boxed::Box;
use alloc::vec::Vec;

#[derive(Debug)]
struct Slot {
    /// Counts the programs' holds on this slot; a [`TcpId`] is good while it agrees.
    generation: u32,
    connection: Option<Box<Connection>>,
}

/// Connections by slot.
#[derive(Debug)]
pub(super) struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
    limit: usize,
}

impl Table {
    /// For at most `limit` connections.
    pub(super) const fn new(limit: usize) -> Table {
        Table {
            slots: Vec::new(),
            free: Vec::new(),
            limit,
        }
    }

    /// Connections that live.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there is no room for one more.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    /// Takes a connection in; returns its slot.
    pub(super) fn insert(&mut self, connection: Box<Connection>) -> u32 {
        if let Some(index) = self.free.pop() {
            self.slots[index as usize].connection = Some(connection);
            return index;
        }
        self.slots.push(Slot {
            generation: 0,
            connection: Some(connection),
        });
        (self.slots.len() - 1) as u32
    }

    /// The name of the connection in a slot.
    pub(super) fn name(&self, index: u32) -> TcpId {
        TcpId {
            index,
            generation: self
                .slots
                .get(index as usize)
                .map_or(u32::MAX, |slot| slot.generation),
        }
    }

    /// The slot that a name stands for, if it still does.
    pub(super) fn find(&self, id: TcpId) -> Option<u32> {
        let slot = self.slots.get(id.index as usize)?;
        (slot.generation == id.generation && slot.connection.is_some()).then_some(id.index)
    }

    /// The name of a slot is no longer good; the connection stays.
    pub(super) fn forget_name(&mut self, index: u32) {
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.generation = slot.generation.wrapping_add(1);
        }
    }

    pub(super) fn at(&self, index: u32) -> Option<&Connection> {
        self.slots.get(index as usize)?.connection.as_deref()
    }

    #[inline]
    pub(super) fn at_mut(&mut self, index: u32) -> Option<&mut Connection> {
        self.slots
            .get_mut(index as usize)?
            .connection
            .as_deref_mut()
    }

    /// Takes a connection out; its name is no longer good.
    pub(super) fn remove(&mut self, index: u32) -> Option<Box<Connection>> {
        let slot = self.slots.get_mut(index as usize)?;
        let connection = slot.connection.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
        Some(connection)
    }

    /// Every connection with its slot: for what is rare.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Connection)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| Some((index as u32, slot.connection.as_deref()?)))
    }
}
