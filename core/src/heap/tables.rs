//! Storing into tables, and the growth of their parts.
//!
//! A table grows when a key is inserted and no node is free. All keys are counted then; the array part gets the largest
//! size `n`, a power of two, such that more than half of the keys `1..=n` are in use, and the nodes get what remains. A table
//! that is an array and nothing else needs no counting.

use crate::base::alloc::AllocKind;
use crate::base::error::AllocResult;
use crate::gc::Heap;
use crate::object::{
    GcRef, InsertError, LuaString, MAX_ARRAY_SIZE, MAX_LOG_NODES, Nodes, Table, Userdata, float_to_integer, opt_addr,
};
use crate::value::{TValue, tag};

/// Arrays of this size and above grow by half of it.
const LARGE_ARRAY: u32 = 1 << 20;

/// Entry `i` counts the integer keys `k` with `2^(i-1) < k <= 2^i`.
type KeyCounts = [u32; 32];

/// The index of an integer key in an array part, counting from 1, if it is one.
#[inline(always)]
fn array_index(key: TValue) -> Option<u32> {
    if key.t == tag::INT && key.u.wrapping_sub(1) < MAX_ARRAY_SIZE as u64 { Some(key.u as u32) } else { None }
}

/// The smallest `i` with `n <= 2^i`, for `n` of at least 1.
#[inline(always)]
fn ceil_log2(n: u32) -> u32 {
    u32::BITS - (n - 1).leading_zeros()
}

/// The best size of an array part, and how many keys go there, from `total` integer keys.
#[doc(alias = "computesizes")]
fn best_array_size(counts: &KeyCounts, total: u32) -> (u32, u32) {
    let (mut best, mut best_keys) = (0, 0);
    let mut keys = 0;
    for (i, count) in counts.iter().enumerate() {
        let half = (1_u32 << i) / 2;
        if total <= half {
            break;
        }
        keys += count;
        if *count > 0 && keys > half {
            best = 1 << i;
            best_keys = keys;
        }
    }
    (best, best_keys)
}

/// Counts the values of the array part; returns their number.
#[doc(alias = "numusearray")]
fn count_array(table: GcRef<Table>, counts: &mut KeyCounts) -> u32 {
    let size = table.array_size() as usize;
    let mut total = 0;
    let mut from = 0;
    for (i, entry) in counts.iter_mut().enumerate() {
        if from >= size {
            break;
        }
        let to = (1_usize << i).min(size);
        // SAFETY: T1.
        let count = (from..to).filter(|&k| unsafe { (*table.array_ptr().add(k)).t != tag::NIL }).count() as u32;
        *entry += count;
        total += count;
        from = to;
    }
    total
}

/// Counts the nodes with values; returns their number, and how many of their keys could be in an array part.
#[doc(alias = "numusehash")]
fn count_nodes(nodes: Nodes, counts: &mut KeyCounts) -> (u32, u32) {
    let (mut total, mut integers) = (0, 0);
    for i in 0..nodes.len() {
        // SAFETY: T1.
        let node = unsafe { &*nodes.first().add(i) };
        if node.value().is_nil() {
            continue;
        }
        total += 1;
        if let Some(index) = array_index(node.key()) {
            counts[ceil_log2(index) as usize] += 1;
            integers += 1;
        }
    }
    (total, integers)
}

/// How many entries go to the nodes when the array part gets `array` elements.
fn count_outside(table: GcRef<Table>, array: u32) -> u32 {
    let mut total = 0;
    for i in array..table.array_size() {
        // SAFETY: T1.
        total += unsafe { (*table.array_ptr().add(i as usize)).t != tag::NIL } as u32;
    }
    let nodes = table.nodes();
    for i in 0..nodes.len() {
        // SAFETY: T1.
        let node = unsafe { &*nodes.first().add(i) };
        let inside = array_index(node.key()).is_some_and(|index| index <= array);
        total += (!node.value().is_nil() && !inside) as u32;
    }
    total
}

/// Copies all entries that belong to the nodes into new ones, and those that came into the reach of the array part
/// there.
///
/// # Safety
/// `nodes` are new and have room enough; the array part has at least `array` elements.
unsafe fn copy_entries(table: GcRef<Table>, array: u32, nodes: Nodes) {
    // SAFETY: T1; keys with values are live.
    unsafe {
        let elements = table.array_ptr();
        for i in array..table.array_size() {
            let value = *elements.add(i as usize);
            if !value.is_nil() {
                let entered = nodes.insert(TValue::integer(i as i64 + 1), value);
                debug_assert!(entered);
            }
        }
        let old = table.nodes();
        for i in 0..old.len() {
            let node = &*old.first().add(i);
            if node.value().is_nil() {
                continue;
            }
            match array_index(node.key()) {
                Some(index) if index <= array => elements.add(index as usize - 1).write(node.value()),
                _ => {
                    let entered = nodes.insert(node.key(), node.value());
                    debug_assert!(entered);
                }
            }
        }
    }
}

impl Heap {
    /// Gives the table an array part of `array` elements, and room for `hash` entries in its nodes. No entry gets
    /// lost: if there are more than `hash`, there will be more nodes. After an error the table is as before.
    ///
    /// # Safety
    /// The table is reachable (G1).
    #[doc(alias = "luaH_resize")]
    pub unsafe fn resize_table(&mut self, table: GcRef<Table>, array: u32, hash: u32) -> Result<(), InsertError> {
        if table.array_size() == 0 && table.has_no_nodes() {
            // SAFETY: the caller's promise.
            return unsafe { self.begin_parts(table, array, hash) };
        }
        let needed = count_outside(table, array);
        // SAFETY: the caller's promise; nothing that is counted is left out.
        unsafe { self.resize_parts(table, array, hash.max(needed)) }
    }

    /// Gives its parts to a table that has none.
    ///
    /// # Safety
    /// As for [`Self::resize_table`].
    unsafe fn begin_parts(&mut self, table: GcRef<Table>, array: u32, hash: u32) -> Result<(), InsertError> {
        if array > MAX_ARRAY_SIZE {
            return Err(InsertError::Overflow);
        }
        let nodes = self.new_nodes(hash)?;
        // SAFETY: the caller's promise; there are no elements yet, and nobody has the nodes.
        unsafe {
            if array > 0
                && let Err(error) = self.resize_elements(table, array)
            {
                self.free_nodes(nodes);
                return Err(error.into());
            }
        }
        table.set_nodes(nodes);
        Ok(())
    }

    /// # Safety
    /// As for [`Self::resize_table`], and `hash` is enough for all that does not fit the array part.
    unsafe fn resize_parts(&mut self, table: GcRef<Table>, array: u32, hash: u32) -> Result<(), InsertError> {
        if array > MAX_ARRAY_SIZE {
            return Err(InsertError::Overflow);
        }
        // All that may fail or collect comes first, while the table is whole.
        let nodes = self.new_nodes(hash)?;
        let size = table.array_size();
        // SAFETY: T1 describes the blocks; entries are copied before the old places go.
        unsafe {
            if array > size
                && let Err(error) = self.resize_elements(table, array)
            {
                self.free_nodes(nodes);
                return Err(error.into());
            }
            copy_entries(table, array, nodes);
            if array < size
                && let Err(error) = self.resize_elements(table, array)
            {
                self.free_nodes(nodes);
                return Err(error.into());
            }
            let old = table.nodes();
            table.set_nodes(nodes);
            self.entries_moved(table);
            self.free_nodes(old);
        }
        Ok(())
    }

    /// Changes the size of the array part; new elements are nil.
    ///
    /// # Safety
    /// The table is reachable (G1), and elements that vanish are kept elsewhere.
    unsafe fn resize_elements(&mut self, table: GcRef<Table>, size: u32) -> AllocResult<()> {
        let old = table.array_size() as usize;
        // SAFETY: T1 describes the block.
        unsafe {
            let elements = self.resize_array(table.array_ptr(), old, size as usize)?;
            for i in old..size as usize {
                elements.add(i).write(TValue::NIL);
            }
            table.array.set(elements);
        }
        table.set_array_size(size);
        Ok(())
    }

    /// Makes free nodes, room for `count` entries.
    fn new_nodes(&mut self, count: u32) -> Result<Nodes, InsertError> {
        if count == 0 {
            return Ok(Nodes::empty());
        }
        let log = ceil_log2(count);
        if log > MAX_LOG_NODES {
            return Err(InsertError::Overflow);
        }
        let size = Nodes::block_size(1 << log).ok_or(InsertError::Overflow)?;
        let block = self.allocate(AllocKind::Other, size)?;
        // SAFETY: the block is new, and of that size.
        Ok(unsafe { Nodes::begin(block, log) })
    }

    /// # Safety
    /// No table has these nodes any more.
    unsafe fn free_nodes(&mut self, nodes: Nodes) {
        if let Some((block, size)) = nodes.block() {
            // SAFETY: T1 describes the block.
            unsafe { self.free(block, size) };
        }
    }

    /// Grows the array part by itself for the key that follows its last one, if there are no nodes and all elements are in
    /// use; says so. The new size is the one that counting all keys would lead to, but large arrays grow in smaller steps.
    ///
    /// # Safety
    /// As for [`Self::resize_table`].
    unsafe fn grow_dense(&mut self, table: GcRef<Table>, extra: TValue) -> Result<bool, InsertError> {
        let size = table.array_size();
        if extra.t != tag::INT || extra.u != size as u64 + 1 || size >= MAX_ARRAY_SIZE || !table.has_no_nodes() {
            return Ok(false);
        }
        // SAFETY: T1.
        let is_dense = (0..size as usize).all(|i| unsafe { (*table.array_ptr().add(i)).t != tag::NIL });
        if is_dense {
            let new = if size < LARGE_ARRAY { (size + 1).next_power_of_two() } else { size + size / 2 };
            // SAFETY: the caller's promise; no element vanishes.
            unsafe { self.resize_elements(table, new.min(MAX_ARRAY_SIZE)) }?;
        }
        Ok(is_dense)
    }

    /// Finds new sizes for both parts, so that there is room for one more key.
    ///
    /// # Safety
    /// As for [`Self::resize_table`].
    #[cold]
    #[inline(never)]
    unsafe fn rehash(&mut self, table: GcRef<Table>, extra: TValue) -> Result<(), InsertError> {
        // SAFETY: the caller's promise.
        if unsafe { self.grow_dense(table, extra) }? {
            return Ok(());
        }
        let mut counts = [0; 32];
        let elements = count_array(table, &mut counts);
        let (nodes, node_integers) = count_nodes(table.nodes(), &mut counts);
        let mut integers = elements + node_integers;
        if let Some(index) = array_index(extra) {
            counts[ceil_log2(index) as usize] += 1;
            integers += 1;
        }
        let (array, in_array) = best_array_size(&counts, integers);
        // SAFETY: the caller's promise; all keys were counted.
        unsafe { self.resize_parts(table, array, elements + nodes + 1 - in_array) }
    }

    /// Inserts a key that is known to be absent, with its value. The barrier is included.
    ///
    /// # Safety
    /// The table, the key and the value are reachable (G1), and the key is not in the table.
    #[doc(alias = "luaH_newkey")]
    pub unsafe fn insert_key(&mut self, table: GcRef<Table>, key: TValue, value: TValue) -> Result<(), InsertError> {
        let mut key = key;
        match key.t {
            tag::NIL => return Err(InsertError::NilKey),
            tag::FLOAT => {
                let n = f64::from_bits(key.u);
                if n.is_nan() {
                    return Err(InsertError::NanKey);
                }
                if let Some(i) = float_to_integer(n) {
                    key = TValue::integer(i);
                }
            }
            _ => {}
        }
        // The value nil is entered too: scripts shrink tables by assigning it until the nodes are used up.
        // SAFETY: the caller's promise; T3 holds by now.
        unsafe {
            self.entry_may_move(table, key);
            let mut entered = table.nodes().insert(key, value);
            if !entered {
                self.rehash(table, key)?;
                entered = enter(table, key, value);
            }
            debug_assert!(entered);
            table.clear_flags();
            self.barrier_table(table, key);
            self.barrier_table(table, value);
        }
        Ok(())
    }

    /// Raw assignment `t[key] = value`. Barrier and metamethod cache are taken care of.
    ///
    /// # Safety
    /// The table, the key and the value are reachable (G1).
    #[doc(alias = "lua_rawset")]
    pub unsafe fn table_set(&mut self, table: GcRef<Table>, key: TValue, value: TValue) -> Result<(), InsertError> {
        // SAFETY: the caller's promise.
        unsafe {
            let Some(slot) = table.find_slot(key) else {
                return self.insert_key(table, key, value);
            };
            slot.set(value);
            table.clear_flags();
            self.barrier_table(table, value);
        }
        Ok(())
    }

    /// Raw assignment to an integer key.
    ///
    /// # Safety
    /// The table and the value are reachable (G1).
    #[doc(alias = "luaH_setint")]
    #[inline]
    pub unsafe fn table_set_int(&mut self, table: GcRef<Table>, key: i64, value: TValue) -> Result<(), InsertError> {
        // SAFETY: the caller's promise.
        unsafe {
            let Some(slot) = table.find_int_slot(key) else {
                return self.insert_key(table, TValue::integer(key), value);
            };
            slot.set(value);
            self.barrier_table(table, value);
        }
        Ok(())
    }

    /// Raw assignment to a string key.
    ///
    /// # Safety
    /// The table, the key and the value are reachable (G1).
    #[inline]
    pub unsafe fn table_set_str(
        &mut self,
        table: GcRef<Table>,
        key: GcRef<LuaString>,
        value: TValue,
    ) -> Result<(), InsertError> {
        // SAFETY: the caller's promise.
        unsafe {
            let Some(slot) = table.find_str_slot(key) else {
                return self.insert_key(table, TValue::object(key), value);
            };
            slot.set(value);
            table.clear_flags();
            self.barrier_table(table, value);
        }
        Ok(())
    }

    /// Sets the metatable of a table or userdata, or the one that all values of another type share.
    ///
    /// # Safety
    /// The value and the metatable are reachable (G1).
    #[doc(alias = "lua_setmetatable")]
    pub unsafe fn set_metatable(&mut self, value: TValue, metatable: Option<GcRef<Table>>) {
        // SAFETY: the caller's promise (V1).
        unsafe {
            match value.t {
                tag::TABLE => value.as_ref::<Table>().set_metatable_raw(metatable),
                tag::USERDATA => value.as_ref::<Userdata>().set_metatable_raw(metatable),
                _ => {
                    let index = value.lua_type() as i8;
                    if let Some(shared) = self.metatables.get_mut(index as usize) {
                        *shared = opt_addr(metatable);
                    }
                    return;
                }
            }
            if let Some(metatable) = metatable {
                self.barrier_forward(value.header(), TValue::object(metatable));
                self.check_finalizer(value.header(), metatable);
            }
        }
    }

    /// Sets the value that is associated with a userdata.
    ///
    /// # Safety
    /// The userdata and the value are reachable (G1).
    #[doc(alias = "lua_setuservalue")]
    pub unsafe fn set_user_value(&mut self, userdata: GcRef<Userdata>, value: TValue) {
        userdata.set_user_value_raw(value);
        // SAFETY: the caller's promise.
        unsafe { self.barrier_forward(userdata.as_header(), value) };
    }
}

/// Enters an absent key after room was made for it, where it now belongs.
///
/// # Safety
/// As for [`Nodes::insert`].
unsafe fn enter(table: GcRef<Table>, key: TValue, value: TValue) -> bool {
    if key.t == tag::INT
        && let Some(slot) = table.find_int_slot(key.u as i64)
    {
        slot.set(value);
        return true;
    }
    // SAFETY: the caller's promise.
    unsafe { table.nodes().insert(key, value) }
}
