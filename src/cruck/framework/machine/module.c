/* SPDX-License-Identifier: MPL-2.0 */
/* cruck.framework._machine: the machine as Python types. Converts arguments and nothing else; the contract is in
 * _machine.pyi, what is below in machine.h.
 *
 * Locking: machine_enter() is a mutex that is never waited for with the GIL held. Calls that may wait for a stub or the
 * host release the GIL (WAITING), the others keep it (BRIEFLY). Between enter and leave no Python object with a
 * cycle collector's header is made: a collection could free one of ours, which enters too. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <time.h>
#include "machine.h"

/* All four types. `machine` and `space` keep those alive that ours lives in; a Machine is its own machine. */
typedef struct object {
    PyObject_HEAD
    struct object *machine, *space;
    long long tag;
    union { machine *m; segment *g; space *s; context *c; };
} Object;

static PyTypeObject Machine, Segment, Space, Context;

#define ENTER(m) do { if (!machine_try_enter(m)) { Py_BEGIN_ALLOW_THREADS machine_enter(m); Py_END_ALLOW_THREADS } } while (0)
#define BRIEFLY(m, call) do { ENTER(m); call; machine_leave(m); } while (0)
#define WAITING(m, call) do { Py_BEGIN_ALLOW_THREADS machine_enter(m); call; machine_leave(m); Py_END_ALLOW_THREADS } while (0)

/* ---- arguments ---- */

static PyObject *os_error(int64_t error, const char *what)
{
    PyObject *value = Py_BuildValue("(iN)", (int)-error, PyUnicode_FromFormat("%s: %s", what, strerror((int)-error)));
    if (value)
        PyErr_SetObject(PyExc_OSError, value);
    Py_XDECREF(value);
    return NULL;
}

static bool bad_value(const char *what)
{
    PyErr_SetString(PyExc_ValueError, what);
    return false;
}

static bool is_of(PyObject *object, PyTypeObject *type)
{
    return PyObject_TypeCheck(object, type)
        || (PyErr_Format(PyExc_TypeError, "expected %s, got %s", type->tp_name, Py_TYPE(object)->tp_name), false);
}

static bool is_usable(Object *machine)
{
    if (machine && machine->m && !machine_is_foreign(machine->m))
        return true;
    PyErr_SetString(PyExc_RuntimeError, "the machine belongs to the process that made it");
    return false;
}

typedef union { uint64_t u; int64_t i; PyObject *o; } Argument;

/* Numbers from INT64_MIN to UINT64_MAX, as 64 bits; the letter says which of them are meant. */
static bool as_number(PyObject *object, char letter, Argument *out)
{
    int overflow;
    out->i = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (out->i == -1 && PyErr_Occurred())
        return false;
    bool is_signed = strchr("idhW", letter), is_huge = overflow > 0;
    if (is_huge) {
        PyObject *index = PyNumber_Index(object);
        out->u = index ? PyLong_AsUnsignedLongLong(index) : 0;
        Py_XDECREF(index);
        if (PyErr_Occurred())
            PyErr_Clear();
        else
            overflow = 0;
    }
    if (overflow || (is_huge && is_signed && letter != 'W') || (out->i < 0 && !is_huge && !is_signed)
        || (letter == 'd' && out->i != (int)out->i))
        return bad_value("integer out of range");
    return (letter != 'w' || out->u >> 32 == 0 || bad_value("not a 32-bit word"))
        && (letter != 'x' || out->u < MACHINE_NR_REGS || bad_value("no such register"))
        && (letter != 'p' || out->u < 8 || bad_value("bad prot"));
}

/* What only the length tells, which may come later: a page range, an extent of a segment, one of a host file. */
static bool is_in_bounds(char letter, uint64_t at, uint64_t length)
{
    const uint64_t end = MACHINE_USER_END, largest = 1ul << 47;
    switch (letter) {
    case 'r':
        return (at % 4096 == 0 && length % 4096 == 0 && at <= end && length <= end - at)
            || bad_value("not a page-aligned range below USER_END");
    case 'c': return at < end || bad_value("not a page-aligned range below USER_END");
    case 'F': if (at % 4096) return bad_value("offset not page-aligned"); /* fall through */
    case 'f': return (at <= largest && length <= largest - at) || bad_value("beyond the largest offset");
    case 'h':
        return ((int64_t)at >= -1 && (int64_t)at <= INT64_MAX / 2 && length <= INT64_MAX / 2) || bad_value("bad extent");
    }
    return true;
}

/* Positional arguments, one letter each. Numbers: u unsigned, i signed, d int, w 32 bits, W 64 bits of either sign, p prot,
 * x register, l the length, r start of a page range, c address in user space, f offset in a segment (F: of a page),
 * h offset in a host file. Others: b bool, y bytes, t tuple, G Segment, P Space (of the same machine). */
static bool parse(Object *self, PyObject *const *args, Py_ssize_t nr, const char *format, Argument *out)
{
    uint64_t length = 0;
    if (nr != (Py_ssize_t)strlen(format)) {
        PyErr_Format(PyExc_TypeError, "expected %zu arguments, got %zd", strlen(format), nr);
        return false;
    }
    for (int i = 0; i < nr; i++) {
        PyTypeObject *type = format[i] == 'y' ? &PyBytes_Type : format[i] == 't' ? &PyTuple_Type : format[i] == 'G' ? &Segment
            : format[i] == 'P' ? &Space : NULL;
        if (type) {
            out[i].o = args[i];
            if (!is_of(args[i], type) || (format[i] < 'a' && ((Object *)args[i])->machine != self->machine
                                          && !bad_value("of another machine")))
                return false;
            length = format[i] == 'y' ? (uint64_t)PyBytes_GET_SIZE(args[i]) : length;
        } else if (format[i] == 'b') {
            if ((out[i].i = PyObject_IsTrue(args[i])) < 0)
                return false;
        } else if (!as_number(args[i], format[i], &out[i])) {
            return false;
        } else if (format[i] == 'l') {
            length = out[i].u;
        }
    }
    for (int i = 0; i < nr; i++)
        if (!is_in_bounds(format[i], out[i].u, length))
            return false;
    return !self || is_usable(self->machine);
}

#define G(argument) (((Object *)(argument).o)->g)
#define P(argument) (((Object *)(argument).o)->s)
#define DATA(argument) ((const uint8_t *)PyBytes_AS_STRING((argument).o))
#define SIZE(argument) ((uint64_t)PyBytes_GET_SIZE((argument).o))

/* Answers of a method: from the int64_t that the machine gave. */
#define NUMBER(result) PyLong_FromLongLong(result)
#define TRUTH(result) PyBool_FromLong(result)
#define NOTHING(result) ((void)(result), Py_NewRef(Py_None))

#define FAST(name) static PyObject *name(PyObject *object, PyObject *const *args, Py_ssize_t nr)
#define ARGUMENTS(format) \
    Argument a[6]; \
    Object *self = (Object *)object; \
    if (!parse(self, args, nr, format, a)) \
        return NULL; \
    machine *m = self->machine->m

/* A method that is one call: its arguments are a[0], a[1], … */
#define METHOD(name, format, LOCK, ANSWER, call) \
    FAST(name) \
    { \
        int64_t result; \
        ARGUMENTS(format); \
        LOCK(m, result = (int64_t)(call)); \
        return ANSWER(result); \
    }
#define GETTER(name) static PyObject *name(PyObject *object, void *Py_UNUSED(unused))
#define PROPERTY(name, ANSWER, value) \
    GETTER(name) \
    { \
        Object *self = (Object *)object; \
        int64_t result; \
        if (!is_usable(self->machine)) \
            return NULL; \
        BRIEFLY(self->machine->m, result = (int64_t)(value)); \
        return ANSWER(result); \
    }

static PyObject *number_tuple(const int64_t *values, int nr, uint32_t are_signed)
{
    PyObject *tuple = PyTuple_New(nr);
    for (int i = 0; tuple && i < nr; i++) {
        PyObject *value = are_signed >> i & 1 ? PyLong_FromLongLong(values[i]) : PyLong_FromUnsignedLongLong((uint64_t)values[i]);
        if (value)
            PyTuple_SET_ITEM(tuple, i, value);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

/* ---- making and freeing ---- */

static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    Argument a[3];
    const char *what = "malloc";
    int result = 0;
    PyObject *const *items = &PyTuple_GET_ITEM(args, 0);
    if (keywords && PyDict_GET_SIZE(keywords)) {
        PyErr_SetString(PyExc_TypeError, "no keyword arguments");
        return NULL;
    }
    bool is_machine = type == &Machine;
    if (is_machine) {
        if (!parse(NULL, items, PyTuple_GET_SIZE(args), "yub", a))
            return NULL;
        if (strlen(PyBytes_AS_STRING(a[0].o)) != SIZE(a[0]) || a[1].u == 0 || a[1].u % 4096 || a[1].u > 1ul << 43) {
            bad_value("bad stub_path or ram_bytes");
            return NULL;
        }
    } else if (PyTuple_GET_SIZE(args) != 1 || !is_of(items[0], type == &Context ? &Space : &Machine)
               || !is_usable(((Object *)items[0])->machine)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "expected 1 argument");
        return NULL;
    }
    Object *self = (Object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    Object *in = is_machine ? NULL : (Object *)items[0];
    machine *m = is_machine ? NULL : in->machine->m;
    self->machine = is_machine ? self : (Object *)Py_NewRef(in->machine);
    self->space = type == &Context ? (Object *)Py_NewRef(in) : NULL;
    if (is_machine) {
        Py_BEGIN_ALLOW_THREADS
        result = machine_new(&self->m, PyBytes_AS_STRING(a[0].o), a[1].u, a[2].i, &what);
        Py_END_ALLOW_THREADS
    } else if (type == &Segment) {
        BRIEFLY(m, result = segment_new(&self->g, m));
    } else if (type == &Space) {
        WAITING(m, result = space_new(&self->s, m, &what));
    } else {
        WAITING(m, result = context_new(&self->c, in->s, self, &what));
    }
    if (result == 0)
        return (PyObject *)self;
    self->m = NULL;
    Py_DECREF(self);
    return os_error(result, what);
}

static void dealloc(PyObject *object)
{
    Object *self = (Object *)object;
    PyTypeObject *type = Py_TYPE(object);
    machine *m = self->machine ? self->machine->m : NULL;
    if (self->m && !machine_is_foreign(m)) {
        if (type == &Machine) {
            WAITING(m, machine_close(m));
            machine_free(m);
        } else if (type == &Segment) {
            BRIEFLY(m, segment_free(self->g));
        } else if (type == &Space) {
            WAITING(m, space_close(self->s));
            space_free(self->s);
        } else {
            BRIEFLY(m, context_release(self->c));
            context_free(self->c);
        }
    }
    Py_XDECREF(self->space);
    if (self->machine != self)
        Py_XDECREF(self->machine);
    type->tp_free(object);
}

/* ---- Machine ---- */

METHOD(machine_do_close, "", WAITING, NOTHING, (machine_close(m), 0))
METHOD(machine_do_wake, "", BRIEFLY, NOTHING, (machine_wake(m), 0))
METHOD(machine_do_set_spin, "u", BRIEFLY, NOTHING, (machine_set_spin(m, a[0].u), 0))
METHOD(machine_do_settle, "b", BRIEFLY, NOTHING, (machine_settle(m, a[0].i), 0))
PROPERTY(machine_get_free, NUMBER, machine_nr_free_frames(self->m))
PROPERTY(machine_get_frames, NUMBER, machine_nr_frames(self->m))
PROPERTY(machine_get_stubs, NUMBER, machine_nr_stubs(self->m))

/* What is signed among the nine: the tag, the reason, a system call's or signal's number, a watch's tag. */
static PyObject *take_stops(machine *m)
{
    PyObject *list = PyList_New(0);
    for (bool has_more = true; list && has_more;) {
        int64_t stop[9];
        void *owner;
        ENTER(m);
        has_more = machine_next_stop(m, &owner, stop + 1);
        machine_leave(m);
        if (!has_more)
            break;
        stop[0] = owner ? ((Object *)owner)->tag : -1;  /* alive: its end needs the GIL, which we have kept */
        uint32_t are_signed = stop[1] == STOP_SYSCALL || stop[1] == STOP_HOST ? 7 : stop[1] == STOP_EXCEPTION ? 11 : 3;
        PyObject *tuple = number_tuple(stop, 9, are_signed);
        if (!tuple || PyList_Append(list, tuple) < 0)
            Py_CLEAR(list);
        Py_XDECREF(tuple);
    }
    return list;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000l + now.tv_nsec;
}

/* Signals stay blocked between the last look for a due Python handler and the sleep, else one could slip in between. */
static int sleep_unless_due(machine *m, int64_t deadline)
{
    sigset_t all, old;
    int result = -EINTR;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (PyErr_CheckSignals() == 0) {
        Py_BEGIN_ALLOW_THREADS
        result = machine_sleep(m, deadline, &old);
        Py_END_ALLOW_THREADS
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return result;
}

FAST(machine_do_wait)
{
    ARGUMENTS("ii");
    int64_t deadline = a[0].i, spin = a[1].i;
    for (bool has_slept = false;; has_slept = true) {
        int ready;
        Py_BEGIN_ALLOW_THREADS
        machine_enter(m);
        ready = machine_poll(m, deadline == 0);
        machine_leave(m);
        if (!ready && deadline != 0 && !has_slept && spin > 0)
            ready = machine_spin(m, spin, deadline);
        Py_END_ALLOW_THREADS
        if (ready)
            return take_stops(m);
        if (machine_take_wake(m) || machine_is_closed(m) || deadline == 0 || (deadline > 0 && now_ns() >= deadline))
            return PyList_New(0);
        if (sleep_unless_due(m, deadline) == -EINTR)
            return PyErr_Occurred() || PyErr_CheckSignals() < 0 ? NULL : take_stops(m);
    }
}

FAST(machine_do_watch)
{
    int result;
    ARGUMENTS("ddi");
    if ((a[0].i < 0 || a[1].i < 0 || a[1].i > 0xffff) && !bad_value("bad descriptor or events"))
        return NULL;
    BRIEFLY(m, result = machine_is_closed(m) ? -ESRCH : machine_watch(m, (int)a[0].i, (uint32_t)a[1].i, a[2].i));
    return result < 0 ? os_error(result, "epoll_ctl") : Py_NewRef(Py_None);
}

GETTER(machine_get_features)
{
    Object *self = (Object *)object;
    PyObject *dict = is_usable(self) ? PyDict_New() : NULL;
    const char *name;
    int64_t number;
    for (int i = 0; dict && machine_feature(self->m, i, &name, &number) == 0; i++) {
        PyObject *value = PyLong_FromLongLong(number);
        if (!value || PyDict_SetItemString(dict, name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

GETTER(machine_get_reserved)
{
    Object *self = (Object *)object;
    PyObject *list = is_usable(self) ? PyList_New(0) : NULL;
    uint64_t start, end;
    for (unsigned i = 0; list && machine_reserved(self->m, i, &start, &end); i++) {
        PyObject *pair = start < MACHINE_USER_END ? Py_BuildValue("(KK)", start, end) : Py_NewRef(Py_None);
        if (!pair || (pair != Py_None && PyList_Append(list, pair) < 0))
            Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    return list;
}

/* Our own copy of the vDSO, the same image as the one in the stubs: what its headers, on its first page, say is loaded. */
GETTER(machine_get_vdso)
{
    Object *self = (Object *)object;
    const uint8_t *image = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
    if (!is_usable(self))
        return NULL;
    uint64_t base = machine_vdso(self->m), size = 0;
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
    if (!base || !image || header->e_phoff + header->e_phnum * sizeof(Elf64_Phdr) > 4096)
        Py_RETURN_NONE;
    const Elf64_Phdr *segment = (const Elf64_Phdr *)(image + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++)
        if (segment[i].p_type == PT_LOAD && segment[i].p_offset + segment[i].p_filesz > size)
            size = segment[i].p_offset + segment[i].p_filesz;
    return Py_BuildValue("(Ky#)", base, (const char *)image, (Py_ssize_t)size);
}

/* ---- Segment ---- */

FAST(segment_do_read)
{
    ARGUMENTS("fl");
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)a[1].u);
    if (bytes)
        BRIEFLY(m, segment_read(self->g, a[0].u, (uint8_t *)PyBytes_AS_STRING(bytes), a[1].u));
    return bytes;
}

METHOD(segment_do_write, "fy", BRIEFLY, NUMBER, segment_write(self->g, a[0].u, DATA(a[1]), SIZE(a[1])))
METHOD(segment_do_discard, "fl", BRIEFLY, NOTHING, segment_discard(self->g, a[0].u, a[1].u))
METHOD(segment_do_copy_from, "Gffl", BRIEFLY, NUMBER, segment_copy(self->g, a[2].u, G(a[0]), a[1].u, a[3].u))
METHOD(segment_do_read_host, "fdhl", WAITING, NUMBER, segment_host_io(self->g, a[0].u, (int)a[1].i, a[2].i, a[3].u, false))
METHOD(segment_do_write_host, "fdhl", WAITING, NUMBER, segment_host_io(self->g, a[0].u, (int)a[1].i, a[2].i, a[3].u, true))
METHOD(segment_do_next_data, "f", BRIEFLY, NUMBER, segment_next(self->g, a[0].u, true))
METHOD(segment_do_next_hole, "f", BRIEFLY, NUMBER, segment_next(self->g, a[0].u, false))
PROPERTY(segment_get_pages, NUMBER, segment_nr_pages(self->g))

/* ---- Space ---- */

#define PROT(argument) ((uint32_t)(argument).u)
METHOD(space_do_settle, "", WAITING, NUMBER, space_settle(self->s))
METHOD(space_do_close, "", WAITING, NOTHING, (space_close(self->s), 0))
PROPERTY(space_get_dead, TRUTH, space_is_dead(self->s))
PROPERTY(space_get_pid, NUMBER, space_pid(self->s))
PROPERTY(space_get_resident, NUMBER, space_nr_resident(self->s))
METHOD(space_do_map_anon, "rlp", WAITING, NUMBER, space_map_anon(self->s, a[0].u, a[1].u, PROT(a[2])))
METHOD(space_do_map_segment, "rlGFpb", WAITING, NUMBER,
       space_map_segment(self->s, a[0].u, a[1].u, G(a[2]), a[3].u, PROT(a[4]), a[5].i))
METHOD(space_do_map_host, "rldFpb", WAITING, NUMBER,
       space_map_host(self->s, a[0].u, a[1].u, (int)a[2].i, a[3].u, PROT(a[4]), a[5].i))
METHOD(space_do_unmap, "rl", WAITING, NUMBER, space_unmap(self->s, a[0].u, a[1].u))
METHOD(space_do_protect, "rlp", WAITING, NUMBER, space_protect(self->s, a[0].u, a[1].u, PROT(a[2])))
METHOD(space_do_move, "rrl", WAITING, NUMBER, space_move(self->s, a[0].u, a[1].u, a[2].u))
METHOD(space_do_break_cow, "cp", WAITING, NUMBER, space_break_cow(self->s, a[0].u, PROT(a[1])))
METHOD(space_do_clone_range, "Prlb", WAITING, NUMBER, space_clone_range(self->s, P(a[0]), a[1].u, a[2].u, a[3].i))
METHOD(space_do_touch, "u", WAITING, NUMBER, space_touch(self->s, a[0].u))
METHOD(space_do_lookup, "u", BRIEFLY, NUMBER, space_lookup(self->s, a[0].u))
METHOD(space_do_write, "uy", BRIEFLY, NUMBER, space_write(self->s, a[0].u, DATA(a[1]), SIZE(a[1])))
METHOD(space_do_zero, "uu", BRIEFLY, NUMBER, space_write(self->s, a[0].u, NULL, a[1].u))
METHOD(space_do_to_segment, "uGfl", BRIEFLY, NUMBER, space_segment_io(self->s, a[0].u, G(a[1]), a[2].u, a[3].u, true))
METHOD(space_do_from_segment, "uGfl", BRIEFLY, NUMBER, space_segment_io(self->s, a[0].u, G(a[1]), a[2].u, a[3].u, false))
METHOD(space_do_read_host, "udhld", WAITING, NUMBER,
       space_host_io(self->s, a[0].u, (int)a[1].i, a[2].i, a[3].u, (int)a[4].i, false))
METHOD(space_do_write_host, "udhld", WAITING, NUMBER,
       space_host_io(self->s, a[0].u, (int)a[1].i, a[2].i, a[3].u, (int)a[4].i, true))
METHOD(space_do_load_u32, "u", BRIEFLY, NUMBER, space_load_u32(self->s, a[0].u))
METHOD(space_do_cas_u32, "uww", BRIEFLY, NUMBER, space_cas_u32(self->s, a[0].u, (uint32_t)a[1].u, (uint32_t)a[2].u))

FAST(space_do_resident)
{
    ARGUMENTS("rl");
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(a[1].u / 4096));
    if (bytes)
        BRIEFLY(m, space_resident(self->s, a[0].u, a[1].u / 4096, (uint8_t *)PyBytes_AS_STRING(bytes)));
    return bytes;
}

/* A guest chose the length: only what can be read is allocated. status: NULL, or a string is meant. */
static PyObject *read_bytes(Object *self, const Argument *a, bool force, int *status)
{
    machine *m = self->machine->m;
    uint64_t length, done = 0;
    ENTER(m);
    length = status ? space_string_length(self->s, a[0].u, a[1].u, status) : space_readable(self->s, a[0].u, a[1].u, force);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length);
    if (bytes)
        done = space_read(self->s, a[0].u, (uint8_t *)PyBytes_AS_STRING(bytes), length, force);
    machine_leave(m);
    if (bytes && status) {                      /* a guest may have written a NUL meanwhile: the caller is promised none */
        uint64_t real = strnlen(PyBytes_AS_STRING(bytes), done);
        *status = real != done ? 0 : *status;
        done = real;
    }
    if (bytes && done != length)
        _PyBytes_Resize(&bytes, (Py_ssize_t)done);
    return bytes;
}

FAST(space_do_read)
{
    ARGUMENTS("uu");
    (void)m;
    return read_bytes(self, a, false, NULL);
}

FAST(space_do_read_force)
{
    ARGUMENTS("uu");
    (void)m;
    return read_bytes(self, a, true, NULL);
}

FAST(space_do_read_cstring)
{
    int status;
    ARGUMENTS("uu");
    (void)m;
    PyObject *bytes = read_bytes(self, a, false, &status);
    return bytes ? Py_BuildValue("(Ni)", bytes, status) : NULL;
}

/* ---- Context ---- */

METHOD(context_do_park, "", BRIEFLY, NOTHING, context_park(self->c))
METHOD(context_do_interrupt, "", WAITING, NOTHING, (context_interrupt(self->c), 0))
METHOD(context_do_release, "", BRIEFLY, NOTHING, (context_release(self->c), 0))
METHOD(context_do_reset_fpu, "", BRIEFLY, NOTHING, (context_reset_fpu(self->c), 0))
METHOD(context_do_set_result, "W", BRIEFLY, NOTHING, context_set_reg(self->c, 10, a[0].u))
PROPERTY(context_get_running, TRUTH, context_is_running(self->c))
PROPERTY(context_get_time, NUMBER, context_cpu_time(self->c))

static PyObject *run(Object *self, machine *m, const uint64_t *call_result)
{
    int result;
    ENTER(m);
    if (call_result && !context_is_running(self->c))
        context_set_reg(self->c, 10, *call_result);
    bool must_wait = context_must_wait(self->c);
    result = must_wait ? 0 : context_run(self->c);
    machine_leave(m);
    if (must_wait)
        WAITING(m, result = context_run(self->c));
    if (result == 0)
        Py_RETURN_NONE;
    PyErr_SetString(PyExc_RuntimeError, result == -ESRCH ? "the context was released" : "the context runs already");
    return NULL;
}

FAST(context_do_run)
{
    ARGUMENTS("");
    return run(self, m, NULL);
}

FAST(context_do_resume)
{
    ARGUMENTS("W");
    return run(self, m, &a[0].u);
}

FAST(context_do_get_reg)
{
    ARGUMENTS("x");
    (void)m;
    return PyLong_FromUnsignedLongLong(context_get_reg(self->c, (unsigned)a[0].u));
}

FAST(context_do_set_reg)
{
    int result;
    ARGUMENTS("xW");
    BRIEFLY(m, result = context_set_reg(self->c, (unsigned)a[0].u, a[1].u));
    return result < 0 && !bad_value("a segment base that is not canonical") ? NULL : Py_NewRef(Py_None);
}

FAST(context_do_registers)
{
    int64_t values[MACHINE_NR_REGS];
    ARGUMENTS("");
    (void)m;
    for (unsigned i = 0; i < MACHINE_NR_REGS; i++)
        values[i] = (int64_t)context_get_reg(self->c, i);
    return number_tuple(values, MACHINE_NR_REGS, 0);
}

FAST(context_do_set_registers)
{
    Argument words[MACHINE_NR_REGS];
    int result;
    ARGUMENTS("t");
    if (PyTuple_GET_SIZE(a[0].o) != MACHINE_NR_REGS && !bad_value("27 values wanted"))
        return NULL;
    for (unsigned i = 0; i < MACHINE_NR_REGS; i++)
        if (!as_number(PyTuple_GET_ITEM(a[0].o, i), 'W', &words[i]))
            return NULL;
    ENTER(m);
    result = context_set_reg(self->c, 21, words[21].u);    /* the only two that can be refused come first */
    if (result == 0)
        result = context_set_reg(self->c, 22, words[22].u);
    for (unsigned i = 0; result == 0 && i < MACHINE_NR_REGS; i++)
        result = context_set_reg(self->c, i, words[i].u);
    machine_leave(m);
    return result < 0 && !bad_value("a segment base that is not canonical") ? NULL : Py_NewRef(Py_None);
}

FAST(context_do_fpu)
{
    ARGUMENTS("");
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, machine_fpu_bytes());
    if (bytes)
        BRIEFLY(m, context_get_fpu(self->c, (uint8_t *)PyBytes_AS_STRING(bytes)));
    return bytes;
}

FAST(context_do_set_fpu)
{
    int result;
    ARGUMENTS("y");
    BRIEFLY(m, result = context_set_fpu(self->c, DATA(a[0]), SIZE(a[0])));
    return result == -ENOMEM ? PyErr_NoMemory() : PyBool_FromLong(result == 0);
}

/* ---- the process itself ---- */

FAST(confine)
{
    Argument a[4];
    (void)object;
    if (!parse(NULL, args, nr, "yyyu", a))
        return NULL;
    if (SIZE(a[2]) == 0)
        return PyLong_FromLong(confine_paths(NULL, 0, NULL, 0));
    int capabilities = confine_capabilities(a[3].u), privileges = confine_no_new_privs();
    int paths = SIZE(a[0]) ? confine_paths(DATA(a[0]), SIZE(a[0]), DATA(a[1]), SIZE(a[1])) : -ENOSYS;
    return Py_BuildValue("(iiii)", capabilities, privileges, paths, confine_calls(DATA(a[2]), SIZE(a[2])));
}

/* ---- tables ---- */

#define F(name, function) {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL, NULL}
#define GET(name, function) {name, function, NULL, NULL, NULL}

static PyMethodDef machine_methods[] = {
    F("close", machine_do_close), F("wait", machine_do_wait), F("wake", machine_do_wake), F("watch", machine_do_watch),
    F("set_spin", machine_do_set_spin), F("settle", machine_do_settle), {0}};
static PyGetSetDef machine_getters[] = {
    GET("nr_free_frames", machine_get_free), GET("nr_frames", machine_get_frames), GET("nr_stubs", machine_get_stubs),
    GET("features", machine_get_features), GET("vdso", machine_get_vdso), GET("reserved_ranges", machine_get_reserved), {0}};
static PyMethodDef segment_methods[] = {
    F("read", segment_do_read), F("write", segment_do_write), F("discard", segment_do_discard),
    F("copy_from", segment_do_copy_from), F("read_host", segment_do_read_host), F("write_host", segment_do_write_host),
    F("next_data", segment_do_next_data), F("next_hole", segment_do_next_hole), {0}};
static PyGetSetDef segment_getters[] = {GET("nr_pages", segment_get_pages), {0}};
static PyMethodDef space_methods[] = {
    F("close", space_do_close), F("settle", space_do_settle), F("map_anon", space_do_map_anon), F("map_segment", space_do_map_segment),
    F("map_host", space_do_map_host), F("unmap", space_do_unmap), F("protect", space_do_protect), F("move", space_do_move),
    F("break_cow", space_do_break_cow), F("clone_range", space_do_clone_range), F("touch", space_do_touch), F("lookup", space_do_lookup),
    F("resident", space_do_resident), F("read", space_do_read), F("write", space_do_write),
    F("read_cstring", space_do_read_cstring), F("zero", space_do_zero), F("read_force", space_do_read_force),
    F("copy_to_segment", space_do_to_segment), F("copy_from_segment", space_do_from_segment),
    F("read_host", space_do_read_host), F("write_host", space_do_write_host), F("load_u32", space_do_load_u32),
    F("cas_u32", space_do_cas_u32), {0}};
static PyGetSetDef space_getters[] = {
    GET("is_dead", space_get_dead), GET("host_pid", space_get_pid), GET("nr_resident", space_get_resident), {0}};
static PyMethodDef context_methods[] = {
    F("run", context_do_run), F("resume", context_do_resume), F("park", context_do_park), F("interrupt", context_do_interrupt),
    F("release", context_do_release), F("get_reg", context_do_get_reg), F("set_reg", context_do_set_reg),
    F("registers", context_do_registers), F("set_registers", context_do_set_registers),
    F("set_result", context_do_set_result), F("fpu", context_do_fpu), F("set_fpu", context_do_set_fpu),
    F("reset_fpu", context_do_reset_fpu), {0}};
static PyGetSetDef context_getters[] = {GET("is_running", context_get_running), GET("cpu_time_ns", context_get_time), {0}};
static PyMemberDef context_members[] = {{"tag", T_LONGLONG, offsetof(Object, tag), 0, NULL}, {0}};

#define TYPE(type, methods, getters, members) \
    static PyTypeObject type = {PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "cruck.framework._machine." #type, \
        .tp_basicsize = sizeof(Object), .tp_flags = Py_TPFLAGS_DEFAULT, .tp_new = make, .tp_dealloc = dealloc, \
        .tp_methods = methods, .tp_getset = getters, .tp_members = members}
TYPE(Machine, machine_methods, machine_getters, NULL);
TYPE(Segment, segment_methods, segment_getters, NULL);
TYPE(Space, space_methods, space_getters, NULL);
TYPE(Context, context_methods, context_getters, context_members);

static PyMethodDef module_methods[] = {F("confine", confine), {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_machine", .m_size = -1, .m_methods = module_methods};

PyMODINIT_FUNC PyInit__machine(void)
{
    machine_setup();
    const struct { const char *name; long long value; } constants[] = {
        {"USER_END", MACHINE_USER_END}, {"PROT_READ", 1}, {"PROT_WRITE", 2}, {"PROT_EXEC", 4}, {"NR_REGS", MACHINE_NR_REGS},
        {"STOP_SYSCALL", STOP_SYSCALL}, {"STOP_FAULT", STOP_FAULT}, {"STOP_EXCEPTION", STOP_EXCEPTION},
        {"STOP_INTERRUPTED", STOP_INTERRUPTED}, {"STOP_DEAD", STOP_DEAD}, {"STOP_HOST", STOP_HOST},
        {"FPU_BYTES", machine_fpu_bytes()}};
    PyTypeObject *types[] = {&Machine, &Segment, &Space, &Context};
    PyObject *module = PyModule_Create(&definition);
    for (unsigned i = 0; module && i < sizeof constants / sizeof *constants; i++)
        if (PyModule_AddObject(module, constants[i].name, PyLong_FromLongLong(constants[i].value)) < 0)
            Py_CLEAR(module);
    for (int i = 0; module && i < 4; i++)
        if (PyModule_AddType(module, types[i]) < 0)
            Py_CLEAR(module);
    return module;
}
