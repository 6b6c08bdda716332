//! Lists whose nodes are linked by their own fields and belong to others: frames of waiting calls, or blocks of messages.
//!
//! Every function is unsafe on one and the same condition: the caller holds the lock that the list is under, and the nodes that it
//! names, as well as those in the list, are live (LP1, LP3).

use core::ptr::null_mut;

/// What a node holds for the list that it is in.
pub(super) struct Links<T> {
    prev: *mut T,
    next: *mut T,
}

impl<T> Links<T> {
    pub(super) const fn new() -> Self {
        Self { prev: null_mut(), next: null_mut() }
    }
}

/// Something that can be in a list.
pub(super) trait Node: Sized {
    /// Where the links of a node are.
    ///
    /// # Safety
    /// The node is live.
    unsafe fn links(node: *mut Self) -> *mut Links<Self>;
}

/// A list.
pub(super) struct List<T: Node> {
    first: *mut T,
    last: *mut T,
}

impl<T: Node> List<T> {
    pub(super) const fn new() -> Self {
        Self { first: null_mut(), last: null_mut() }
    }

    /// The first node, or null.
    pub(super) fn first(&self) -> *mut T {
        self.first
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// The node after another one, or null.
    ///
    /// # Safety
    /// As for the whole module; the node is in the list.
    pub(super) unsafe fn next(&self, node: *mut T) -> *mut T {
        // SAFETY: the caller's promise.
        unsafe { (*T::links(node)).next }
    }

    /// Puts a node before another one, or at the end if that is null.
    ///
    /// # Safety
    /// As for the whole module; the node is in no list, and the other one in this list.
    pub(super) unsafe fn insert_before(&mut self, node: *mut T, next: *mut T) {
        // SAFETY: the caller's promise.
        unsafe {
            let prev = if next.is_null() { self.last } else { (*T::links(next)).prev };
            T::links(node).write(Links { prev, next });
            *self.place_after(prev) = node;
            *self.place_before(next) = node;
        }
    }

    /// Takes a node out.
    ///
    /// # Safety
    /// As for the whole module; the node is in the list.
    pub(super) unsafe fn remove(&mut self, node: *mut T) {
        // SAFETY: the caller's promise.
        unsafe {
            let Links { prev, next } = T::links(node).replace(Links::new());
            *self.place_after(prev) = next;
            *self.place_before(next) = prev;
        }
    }

    /// Takes the first node out; null if there is none.
    ///
    /// # Safety
    /// As for the whole module.
    pub(super) unsafe fn pop_first(&mut self) -> *mut T {
        let node = self.first;
        if !node.is_null() {
            // SAFETY: the caller's promise.
            unsafe { self.remove(node) };
        }
        node
    }

    /// Where it is written what comes after a node, or first if that is null.
    unsafe fn place_after(&mut self, node: *mut T) -> *mut *mut T {
        // SAFETY: the caller's promise.
        if node.is_null() { &raw mut self.first } else { unsafe { &raw mut (*T::links(node)).next } }
    }

    /// Where it is written what comes before a node, or last if that is null.
    unsafe fn place_before(&mut self, node: *mut T) -> *mut *mut T {
        // SAFETY: the caller's promise.
        if node.is_null() { &raw mut self.last } else { unsafe { &raw mut (*T::links(node)).prev } }
    }
}
