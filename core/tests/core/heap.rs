//! The life of a heap: accounting, failures, threads, objects of all kinds.

use crate::common::{TestAlloc, TestHeap};
use perilune_core::base::limits::{BASIC_STACK_SIZE, EXTRA_STACK, MIN_STACK};
use perilune_core::{GcRef, Heap, RawAlloc, TValue, Thread};

#[test]
fn an_empty_heap_leaves_nothing() {
    let heap = TestHeap::new();
    heap.count();
    heap.collect();
}

#[test]
fn opening_may_fail_anywhere() {
    for grant in 0..20 {
        let alloc = TestAlloc::default();
        alloc.grant.set(Some(grant));
        alloc.failures.set(usize::MAX);
        let mut place = Box::<Heap>::new_uninit();
        let heap = place.as_mut_ptr();
        // SAFETY: heap and allocator live until the end of the loop.
        let done = unsafe {
            Heap::init(heap, RawAlloc::from_adapter(&alloc), 1);
            let done = (*heap).open().is_ok();
            (*heap).free_all();
            assert_eq!((*heap).total_bytes(), 0);
            done
        };
        assert_eq!(alloc.live(), 0);
        if done {
            return;
        }
    }
    panic!("never opened");
}

#[test]
fn all_kinds_of_objects() {
    let heap = TestHeap::new();
    for round in 0..3 {
        let userdata = heap.heap().new_userdata(100 * round).expect("memory");
        heap.anchor(1, TValue::object(userdata));
        assert_eq!(userdata.data() as usize % 16, 0);
        assert_eq!(userdata.len(), 100 * round);
        let value = heap.string(2, b"value");
        // SAFETY: all is anchored.
        unsafe { heap.heap().set_user_value(userdata, TValue::object(value)) };
        heap.anchor(2, TValue::NIL);
        let native = heap.heap().new_native_closure(std::ptr::null(), 3).expect("memory");
        heap.anchor(3, TValue::object(native));
        let proto = heap.heap().new_proto().expect("memory");
        heap.anchor(4, TValue::object(proto));
        let closure = heap.heap().new_lua_closure(proto, 0).expect("memory");
        heap.anchor(5, TValue::NIL);
        assert_eq!(closure.num_upvalues(), 0);
        let upvalue = heap.heap().new_upval().expect("memory");
        assert!(!upvalue.is_open() && upvalue.value().is_nil());
        heap.anchor(4, TValue::NIL);
        heap.collect();
        // SAFETY: the user value is kept by the userdata.
        unsafe { assert_eq!(userdata.user_value().as_ref::<perilune_core::LuaString>().as_bytes(), b"value") };
    }
}

fn new_thread(heap: &TestHeap) -> GcRef<Thread> {
    let thread = heap.heap().new_thread().expect("memory");
    heap.anchor(1, TValue::object(thread));
    thread
}

#[test]
fn a_new_thread() {
    let heap = TestHeap::new();
    let thread = new_thread(&heap);
    assert_eq!(thread.stack_size.get(), BASIC_STACK_SIZE);
    assert_eq!(thread.save(thread.stack_last.get()), (BASIC_STACK_SIZE - EXTRA_STACK) * 16);
    assert_eq!(thread.save(thread.top.get()), 16);
    assert_eq!(thread.save(thread.base_ci.top.get()), (1 + MIN_STACK) * 16);
    assert!(std::ptr::eq(thread.ci.get(), &thread.base_ci));
    assert_eq!(thread.twups.get(), thread.as_ptr());
    heap.collect();
    heap.count();
}

#[test]
fn a_stack_moves_with_all_that_points_to_it() {
    let heap = TestHeap::new();
    let thread = new_thread(&heap);
    for i in 0..10 {
        thread.push(TValue::integer(i));
    }
    let upvalue = heap.heap().new_upval().expect("memory");
    upvalue.open(thread.from_top(3), std::ptr::null_mut());
    thread.open_upvals.set(upvalue.as_ptr());
    thread.twups.set(heap.heap().twups);
    heap.heap().twups = thread.as_ptr();
    heap.anchor(2, TValue::NIL);
    // SAFETY: the thread is anchored; no stale pointer is used.
    unsafe {
        let frame = (*thread.ci.get()).next.get();
        (*frame).func.set(thread.from_top(2));
        (*frame).top.set(thread.top.get());
        thread.ci.set(frame);
        for slots in [100, 5000, 60, 1000] {
            heap.heap().resize_stack(thread, slots).expect("memory");
            assert_eq!(thread.stack_size.get(), slots);
            assert_eq!(upvalue.value().as_integer(), Some(7));
            assert_eq!((*(*frame).func.get()).as_integer(), Some(8));
            assert_eq!((*frame).top.get(), thread.top.get());
            assert_eq!(thread.save(thread.base_ci.func.get()), 0);
            assert_eq!((*thread.from_top(1)).as_integer(), Some(9));
            assert!((*thread.top.get().add(30)).is_nil());
            heap.count();
        }
        heap.heap().shrink_stack(thread);
        assert!(thread.stack_size.get() < 100);
        assert_eq!(upvalue.value().as_integer(), Some(7));
        upvalue.close();
        thread.open_upvals.set(std::ptr::null_mut());
        thread.ci.set(std::ptr::from_ref(&thread.base_ci).cast_mut());
    }
    heap.collect();
}

#[test]
fn spare_frames_go() {
    let heap = TestHeap::new();
    let thread = new_thread(&heap);
    let base = thread.ci.get();
    // SAFETY: the thread is anchored.
    unsafe {
        for i in 0..11 {
            let next = (*thread.ci.get()).next.get();
            // The first ones are part of the thread.
            assert_eq!(next.is_null(), i >= Thread::FIRST_FRAMES);
            let frame = if next.is_null() { heap.heap().extend_ci(thread).expect("memory") } else { next };
            (*frame).func.set(thread.stack.get());
            (*frame).top.set(thread.top.get());
            thread.ci.set(frame);
        }
        assert_eq!(thread.n_ci.get(), 9);
        thread.ci.set(base);
        heap.heap().shrink_ci(thread);
        assert_eq!(thread.n_ci.get(), 5);
        let mut count = 0;
        let mut frame = base;
        while !(*frame).next.get().is_null() {
            assert_eq!((*(*frame).next.get()).prev.get(), frame);
            frame = (*frame).next.get();
            count += 1;
        }
        assert_eq!(count, 5 + Thread::FIRST_FRAMES);
        heap.heap().free_spare_ci(thread);
        assert_eq!(thread.n_ci.get(), 0);
    }
    heap.count();
}

#[test]
fn stacks_of_ended_threads_serve_new_ones() {
    let heap = TestHeap::new();
    // Stopped, or a zealous collector would give the spare stacks back at once.
    heap.heap().running = false;
    let thread = new_thread(&heap);
    let stack = thread.stack.get();
    thread.push(TValue::integer(5));
    thread.top.set(stack.wrapping_add(1));
    let before = heap.heap().total_bytes();
    // SAFETY: nothing runs in the threads, and they are anchored.
    unsafe {
        heap.heap().retire_stack(&thread);
        heap.count();
        assert!(!thread.has_stack_block());
        assert_eq!((thread.save(thread.top.get()), thread.stack_size.get()), (16, Thread::LAST_SLOTS));
        assert!((*thread.stack.get()).is_nil());
        // Only once, and nothing of it is lost.
        heap.heap().retire_stack(&thread);
        heap.heap().running = true;
        heap.heap().check();
        heap.heap().running = false;
        assert_eq!(heap.heap().total_bytes(), before);
        // It has room for a few values, and grows like any other.
        for i in 0..Thread::LAST_SLOTS as i64 - 1 {
            thread.push(TValue::integer(i));
        }
        heap.heap().resize_stack(thread, 30).expect("memory");
        assert!(thread.has_stack_block());
        assert_eq!((*thread.from_top(1)).as_integer(), Some(Thread::LAST_SLOTS as i64 - 2));
        let mut frame: *const perilune_core::CallInfo = &raw const thread.base_ci;
        for _ in 0..Thread::FIRST_FRAMES {
            let next = (*frame).next.get();
            assert!(std::ptr::eq((*next).prev.get(), frame));
            frame = next;
        }
        assert!((*frame).next.get().is_null());
        heap.count();
    }
    let other = heap.heap().new_thread().expect("memory");
    heap.anchor(2, TValue::object(other));
    assert_eq!(other.stack.get(), stack);
    assert!(other.base_ci.func.get() == stack && other.top.get() == stack.wrapping_add(1));
    heap.count();
    // A collection gives back what is spare.
    other.top.set(stack.wrapping_add(1));
    // SAFETY: as above.
    unsafe { heap.heap().retire_stack(&other) };
    heap.heap().running = true;
    let before = heap.heap().total_bytes();
    heap.collect();
    assert!(heap.heap().total_bytes() <= before - BASIC_STACK_SIZE * 16);
    heap.count();
    // The end frees what is still there.
    let last = new_thread(&heap);
    // SAFETY: as above.
    unsafe { heap.heap().retire_stack(&last) };
}

#[test]
fn an_emergency_collection_makes_room() {
    let heap = TestHeap::new();
    // Stopped, or a zealous collector would leave no garbage.
    heap.heap().running = false;
    for _ in 0..100 {
        heap.heap().new_table().expect("memory");
    }
    let before = heap.heap().total_bytes();
    heap.alloc().grant.set(Some(0));
    heap.alloc().failures.set(1);
    assert!(heap.heap().new_table().is_ok());
    assert!(heap.heap().total_bytes() < before);
    heap.alloc().failures.set(2);
    assert!(heap.heap().new_table().is_err());
    heap.alloc().grant.set(None);
    heap.count();
}
