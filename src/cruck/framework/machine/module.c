/* SPDX-License-Identifier: MPL-2.0 */
/* cruck.framework._machine: the machine as Python types. Converts arguments and nothing else; the contract is in
 * _machine.pyi, what is below in machine.h.
 *
 * Locking: machine_enter() is a mutex that is never waited for with the GIL held. Calls that may wait for a stub or the
 * host release the GIL (WAITING), the others keep it (ENTER). */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <elf.h>
#include <sys/auxv.h>
#include <time.h>
#include "machine.h"

typedef struct { PyObject_HEAD machine *m; } MachineObject;
typedef struct { PyObject_HEAD MachineObject *machine; segment *g; } SegmentObject;
typedef struct { PyObject_HEAD MachineObject *machine; space *s; } SpaceObject;
typedef struct { PyObject_HEAD SpaceObject *space; context *c; long long tag; } ContextObject;

static PyTypeObject MachineType, SegmentType, SpaceType, ContextType;

#define ENTER(m) do { if (!machine_try_enter(m)) { Py_BEGIN_ALLOW_THREADS machine_enter(m); Py_END_ALLOW_THREADS } } while (0)
#define LEAVE(m) machine_leave(m)
#define WAITING(m, call) do { Py_BEGIN_ALLOW_THREADS machine_enter(m); call; machine_leave(m); Py_END_ALLOW_THREADS } while (0)

/* ---- arguments ---- */

static PyObject *os_error(int error, const char *what)
{
    PyObject *value = Py_BuildValue("(iN)", error, PyUnicode_FromFormat("%s: %s", what, strerror(error)));
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

static bool as_unsigned(PyObject *object, uint64_t *out)
{
    *out = PyLong_AsUnsignedLongLong(object);
    if (*out == (uint64_t)-1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError))
            return bad_value("integer out of range");
        return false;
    }
    return true;
}

static bool as_signed(PyObject *object, int64_t *out)
{
    *out = PyLong_AsLongLong(object);
    if (*out == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError))
            return bad_value("integer out of range");
        return false;
    }
    return true;
}

static bool is_of(PyObject *object, PyTypeObject *type)
{
    if (PyObject_TypeCheck(object, type))
        return true;
    PyErr_Format(PyExc_TypeError, "expected %s, got %s", type->tp_name, Py_TYPE(object)->tp_name);
    return false;
}

/* Positional arguments by format: u unsigned, i signed, d descriptor or int, b bool, y bytes (object), G Segment, P Space. */
static bool parse(PyObject *const *args, Py_ssize_t nr, const char *format, ...)
{
    va_list out;
    bool ok = nr == (Py_ssize_t)strlen(format);
    if (!ok)
        PyErr_Format(PyExc_TypeError, "expected %zu arguments, got %zd", strlen(format), nr);
    va_start(out, format);
    for (; ok && *format; format++, args++) {
        int64_t number;
        switch (*format) {
        case 'u': ok = as_unsigned(*args, va_arg(out, uint64_t *)); break;
        case 'i': ok = as_signed(*args, va_arg(out, int64_t *)); break;
        case 'd':
            ok = as_signed(*args, &number) && (number == (int)number || bad_value("integer out of range"));
            *va_arg(out, int *) = (int)number;
            break;
        case 'b': {
            int truth = PyObject_IsTrue(*args);
            ok = truth >= 0;
            *va_arg(out, bool *) = truth == 1;
            break;
        }
        case 'y': ok = is_of(*args, &PyBytes_Type); *va_arg(out, PyObject **) = *args; break;
        case 'G': ok = is_of(*args, &SegmentType); *va_arg(out, SegmentObject **) = (SegmentObject *)*args; break;
        case 'P': ok = is_of(*args, &SpaceType); *va_arg(out, SpaceObject **) = (SpaceObject *)*args; break;
        }
    }
    va_end(out);
    return ok;
}

static bool is_range(uint64_t addr, uint64_t length)
{
    return (addr % 4096 == 0 && length % 4096 == 0 && addr <= MACHINE_USER_END && length <= MACHINE_USER_END - addr)
        || bad_value("not a page-aligned range below USER_END");
}

static bool is_prot(uint64_t prot) { return prot < 8 || bad_value("bad prot"); }

static bool is_extent(uint64_t offset, uint64_t length)
{
    return (offset <= 1ul << 47 && length <= (1ul << 47) - offset) || bad_value("beyond the largest offset");
}

static bool is_host_extent(int64_t offset, uint64_t length)
{
    return (offset >= -1 && length <= (uint64_t)INT64_MAX / 2 && (offset < 0 || offset <= INT64_MAX / 2)) || bad_value("bad extent");
}

static bool is_usable(MachineObject *machine)
{
    if (machine && machine->m && !machine_is_foreign(machine->m))
        return true;
    PyErr_SetString(PyExc_RuntimeError, "the machine belongs to the process that made it");
    return false;
}

static bool same_machine(MachineObject *a, MachineObject *b) { return a == b || bad_value("of another machine"); }

#define FAST(name) static PyObject *name(PyObject *object, PyObject *const *args, Py_ssize_t nr)
#define PLAIN(name) static PyObject *name(PyObject *object, PyObject *Py_UNUSED(unused))
#define GETTER(name) static PyObject *name(PyObject *object, void *Py_UNUSED(unused))
#define MACHINE(object) MachineObject *self = (MachineObject *)object; if (!is_usable(self)) return NULL; machine *m = self->m
#define SEGMENT(object) SegmentObject *self = (SegmentObject *)object; if (!is_usable(self->machine)) return NULL; machine *m = self->machine->m
#define SPACE(object) SpaceObject *self = (SpaceObject *)object; if (!is_usable(self->machine)) return NULL; machine *m = self->machine->m
#define CONTEXT(object) ContextObject *self = (ContextObject *)object; if (!self->space || !is_usable(self->space->machine)) return NULL; machine *m = self->space->machine->m

/* ---- Machine ---- */

static PyObject *machine_make(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *path, *what = "";
    Py_ssize_t path_length;
    unsigned long long ram;
    int hidden, result;
    if (keywords && PyDict_GET_SIZE(keywords)) {
        PyErr_SetString(PyExc_TypeError, "no keyword arguments");
        return NULL;
    }
    PyObject *ram_object;
    if (!PyArg_ParseTuple(args, "y#Op", &path, &path_length, &ram_object, &hidden) || !as_unsigned(ram_object, (uint64_t *)&ram))
        return NULL;
    if (strlen(path) != (size_t)path_length || ram == 0 || ram % 4096 || ram > 1ull << 43) {
        bad_value("bad stub_path or ram_bytes");
        return NULL;
    }
    MachineObject *self = (MachineObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    result = machine_new(&self->m, path, ram, hidden != 0, &what);
    Py_END_ALLOW_THREADS
    if (result < 0) {
        self->m = NULL;
        Py_DECREF(self);
        return os_error(-result, what);
    }
    return (PyObject *)self;
}

static void machine_dealloc(PyObject *object)
{
    machine *m = ((MachineObject *)object)->m;
    if (m && !machine_is_foreign(m)) {
        WAITING(m, machine_close(m));
        machine_free(m);
    }
    Py_TYPE(object)->tp_free(object);
}

PLAIN(machine_do_close)
{
    MACHINE(object);
    WAITING(m, machine_close(m));
    Py_RETURN_NONE;
}

static PyObject *stop_tuple(void *owner, const int64_t stop[8])
{
    PyObject *tuple = PyTuple_New(9);
    PyObject *tag = PyLong_FromLongLong(owner ? ((ContextObject *)owner)->tag : -1);
    if (!tuple || !tag) {
        Py_XDECREF(tuple);
        Py_XDECREF(tag);
        return NULL;
    }
    PyTuple_SET_ITEM(tuple, 0, tag);
    for (int i = 0; i < 8; i++) {
        /* Addresses, arguments and error codes are unsigned 64-bit words; a system call's number and a tag are ints. */
        bool is_signed = i == 0 || (i == 1 && stop[0] == STOP_SYSCALL) || (i == 2 && stop[0] == STOP_EXCEPTION)
            || (i == 1 && stop[0] == STOP_HOST);
        PyObject *value = is_signed ? PyLong_FromLongLong(stop[i]) : PyLong_FromUnsignedLongLong((uint64_t)stop[i]);
        if (!value) {
            Py_DECREF(tuple);
            return NULL;
        }
        PyTuple_SET_ITEM(tuple, i + 1, value);
    }
    return tuple;
}

static PyObject *take_stops(machine *m)
{
    PyObject *list = PyList_New(0);
    int64_t stop[8];
    void *owner;
    ENTER(m);
    while (list && machine_next_stop(m, &owner, stop)) {
        PyObject *tuple = stop_tuple(owner, stop);
        if (!tuple || PyList_Append(list, tuple) < 0)
            Py_CLEAR(list);
        Py_XDECREF(tuple);
    }
    LEAVE(m);
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
    int result, error = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (PyErr_CheckSignals() < 0) {
        error = -EINTR;
    } else {
        Py_BEGIN_ALLOW_THREADS
        result = machine_sleep(m, deadline, &old);
        Py_END_ALLOW_THREADS
        error = result;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

FAST(machine_wait)
{
    int64_t deadline, spin;
    if (!parse(args, nr, "ii", &deadline, &spin))
        return NULL;
    MACHINE(object);
    for (bool has_slept = false;;) {
        int ready = 0;
        WAITING(m, ready = machine_poll(m, deadline == 0));
        if (!ready && deadline != 0 && !has_slept && spin > 0) {
            Py_BEGIN_ALLOW_THREADS
            machine_spin(m, spin, deadline);
            machine_enter(m);
            ready = machine_poll(m, false);
            machine_leave(m);
            Py_END_ALLOW_THREADS
        }
        if (ready)
            return take_stops(m);
        if (machine_take_wake(m) || machine_is_closed(m) || deadline == 0 || (deadline > 0 && now_ns() >= deadline))
            return PyList_New(0);
        if (sleep_unless_due(m, deadline) == -EINTR) {
            if (PyErr_CheckSignals() < 0 || PyErr_Occurred())
                return NULL;
            return take_stops(m);
        }
        has_slept = true;
    }
}

PLAIN(machine_do_wake)
{
    MACHINE(object);
    machine_wake(m);
    Py_RETURN_NONE;
}

FAST(machine_do_watch)
{
    int fd, events, result;
    int64_t tag;
    if (!parse(args, nr, "ddi", &fd, &events, &tag))
        return NULL;
    MACHINE(object);
    if (fd < 0 || events < 0 || events > 0xffff) {
        bad_value("bad descriptor or events");
        return NULL;
    }
    ENTER(m);
    result = machine_is_closed(m) ? -ESRCH : machine_watch(m, fd, (uint32_t)events, tag);
    LEAVE(m);
    if (result < 0)
        return os_error(-result, "epoll_ctl");
    Py_RETURN_NONE;
}

FAST(machine_do_set_spin)
{
    uint64_t ns;
    if (!parse(args, nr, "u", &ns))
        return NULL;
    MACHINE(object);
    ENTER(m);
    machine_set_spin(m, ns);
    LEAVE(m);
    Py_RETURN_NONE;
}

GETTER(machine_get_free) { MACHINE(object); return PyLong_FromUnsignedLongLong(machine_nr_free_frames(m)); }
GETTER(machine_get_frames) { MACHINE(object); return PyLong_FromUnsignedLongLong(machine_nr_frames(m)); }
GETTER(machine_get_stubs) { MACHINE(object); return PyLong_FromUnsignedLongLong(machine_nr_stubs(m)); }

GETTER(machine_get_features)
{
    MACHINE(object);
    PyObject *dict = PyDict_New();
    const char *name;
    int64_t number;
    for (int i = 0; dict && machine_feature(m, i, &name, &number) == 0; i++) {
        PyObject *value = PyLong_FromLongLong(number);
        if (!value || PyDict_SetItemString(dict, name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

GETTER(machine_get_reserved)
{
    MACHINE(object);
    PyObject *list = PyList_New(0);
    uint64_t start, end;
    for (unsigned i = 0; list && machine_reserved(m, i, &start, &end); i++) {
        PyObject *pair = start < MACHINE_USER_END ? Py_BuildValue("(KK)", start, end) : NULL;
        if (pair && PyList_Append(list, pair) < 0)
            Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    return PyErr_Occurred() ? NULL : list;
}

/* The symbols of our own copy of the vDSO: the same image as the one in the stubs. */
static int add_vdso_symbols(PyObject *dict, const uint8_t *image, uint64_t base)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
    const Elf64_Phdr *segments = (const Elf64_Phdr *)(image + header->e_phoff);
    const Elf64_Dyn *dynamic = NULL;
    const Elf64_Sym *symbols = NULL;
    const char *names = NULL;
    const uint32_t *hash = NULL, *gnu = NULL;
    uint64_t bias = 0;
    for (int i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD && !bias)
            bias = segments[i].p_offset - segments[i].p_vaddr;
        if (segments[i].p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)(image + segments[i].p_offset);
    }
    for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
        const uint8_t *at = image + dynamic->d_un.d_ptr + bias;
        if (dynamic->d_tag == DT_SYMTAB) symbols = (const Elf64_Sym *)at;
        if (dynamic->d_tag == DT_STRTAB) names = (const char *)at;
        if (dynamic->d_tag == DT_HASH) hash = (const uint32_t *)at;
        if (dynamic->d_tag == DT_GNU_HASH) gnu = (const uint32_t *)at;
    }
    if (!symbols || !names || !(hash || gnu))
        return 0;
    uint32_t count = hash ? hash[1] : 0;
    if (!hash) {                                /* the last symbol of the last chain */
        const uint32_t *buckets = gnu + 4 + 2 * gnu[2], *chain = buckets + gnu[0];
        for (uint32_t i = 0; i < gnu[0]; i++)
            count = buckets[i] > count ? buckets[i] : count;
        while (count >= gnu[1] && !(chain[count - gnu[1]] & 1))
            count++;
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (ELF64_ST_TYPE(symbols[i].st_info) != STT_FUNC || symbols[i].st_shndx == SHN_UNDEF)
            continue;
        PyObject *value = PyLong_FromUnsignedLongLong(base + symbols[i].st_value + bias);
        int result = value ? PyDict_SetItemString(dict, names + symbols[i].st_name, value) : -1;
        Py_XDECREF(value);
        if (result < 0)
            return -1;
    }
    return 0;
}

GETTER(machine_get_vdso)
{
    MACHINE(object);
    uint64_t base = machine_vdso(m);
    const uint8_t *image = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
    if (!base || !image)
        Py_RETURN_NONE;
    PyObject *dict = PyDict_New();
    if (!dict || add_vdso_symbols(dict, image, base) < 0) {
        Py_XDECREF(dict);
        return NULL;
    }
    return Py_BuildValue("(KN)", base, dict);
}

/* ---- Segment ---- */

static PyObject *segment_make(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(keywords))
{
    MachineObject *machine;
    if (!PyArg_ParseTuple(args, "O!", &MachineType, &machine) || !is_usable(machine))
        return NULL;
    SegmentObject *self = (SegmentObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    if (segment_new(&self->g, machine->m) < 0) {
        self->g = NULL;
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    Py_INCREF(machine);
    self->machine = machine;
    return (PyObject *)self;
}

static void segment_dealloc(PyObject *object)
{
    SegmentObject *self = (SegmentObject *)object;
    if (self->g && !machine_is_foreign(self->machine->m)) {
        ENTER(self->machine->m);
        segment_free(self->g);
        LEAVE(self->machine->m);
    }
    Py_XDECREF(self->machine);
    Py_TYPE(object)->tp_free(object);
}

FAST(segment_do_read)
{
    uint64_t offset, length;
    if (!parse(args, nr, "uu", &offset, &length) || !is_extent(offset, length))
        return NULL;
    SEGMENT(object);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length);
    if (!bytes)
        return NULL;
    ENTER(m);
    segment_read(self->g, offset, (uint8_t *)PyBytes_AS_STRING(bytes), length);
    LEAVE(m);
    return bytes;
}

FAST(segment_do_write)
{
    uint64_t offset, done;
    PyObject *data;
    if (!parse(args, nr, "uy", &offset, &data) || !is_extent(offset, (uint64_t)PyBytes_GET_SIZE(data)))
        return NULL;
    SEGMENT(object);
    ENTER(m);
    done = segment_write(self->g, offset, (const uint8_t *)PyBytes_AS_STRING(data), (uint64_t)PyBytes_GET_SIZE(data));
    LEAVE(m);
    return PyLong_FromUnsignedLongLong(done);
}

FAST(segment_do_discard)
{
    uint64_t offset, length;
    if (!parse(args, nr, "uu", &offset, &length) || !is_extent(offset, length))
        return NULL;
    SEGMENT(object);
    ENTER(m);
    segment_discard(self->g, offset, length);
    LEAVE(m);
    Py_RETURN_NONE;
}

FAST(segment_do_copy_from)
{
    SegmentObject *from;
    uint64_t from_offset, offset, length, done;
    if (!parse(args, nr, "Guuu", &from, &from_offset, &offset, &length) || !is_extent(offset, length)
        || !is_extent(from_offset, length))
        return NULL;
    SEGMENT(object);
    if (!same_machine(self->machine, from->machine))
        return NULL;
    ENTER(m);
    done = segment_copy(self->g, offset, from->g, from_offset, length);
    LEAVE(m);
    return PyLong_FromUnsignedLongLong(done);
}

static PyObject *segment_io(PyObject *object, PyObject *const *args, Py_ssize_t nr, bool to_host)
{
    uint64_t offset, length;
    int64_t host_offset, result;
    int fd;
    if (!parse(args, nr, "udiu", &offset, &fd, &host_offset, &length) || !is_extent(offset, length)
        || !is_host_extent(host_offset, length))
        return NULL;
    SEGMENT(object);
    WAITING(m, result = segment_host_io(self->g, offset, fd, host_offset, length, to_host));
    return PyLong_FromLongLong(result);
}

FAST(segment_do_read_host) { return segment_io(object, args, nr, false); }
FAST(segment_do_write_host) { return segment_io(object, args, nr, true); }

static PyObject *segment_seek(PyObject *object, PyObject *const *args, Py_ssize_t nr, bool data)
{
    uint64_t offset;
    int64_t result;
    if (!parse(args, nr, "u", &offset) || !is_extent(offset, 0))
        return NULL;
    SEGMENT(object);
    ENTER(m);
    result = segment_next(self->g, offset, data);
    LEAVE(m);
    return PyLong_FromLongLong(result);
}

FAST(segment_do_next_data) { return segment_seek(object, args, nr, true); }
FAST(segment_do_next_hole) { return segment_seek(object, args, nr, false); }
GETTER(segment_get_pages) { SEGMENT(object); (void)m; return PyLong_FromUnsignedLongLong(segment_nr_pages(self->g)); }

/* ---- Space ---- */

static PyObject *space_make(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(keywords))
{
    MachineObject *machine;
    const char *what = "";
    int result;
    if (!PyArg_ParseTuple(args, "O!", &MachineType, &machine) || !is_usable(machine))
        return NULL;
    SpaceObject *self = (SpaceObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    Py_INCREF(machine);
    self->machine = machine;
    WAITING(machine->m, result = space_new(&self->s, machine->m, &what));
    if (result < 0) {
        self->s = NULL;
        Py_DECREF(self);
        return os_error(-result, what);
    }
    return (PyObject *)self;
}

static void space_dealloc(PyObject *object)
{
    SpaceObject *self = (SpaceObject *)object;
    if (self->s && !machine_is_foreign(self->machine->m)) {
        WAITING(self->machine->m, space_close(self->s));
        space_free(self->s);
    }
    Py_XDECREF(self->machine);
    Py_TYPE(object)->tp_free(object);
}

PLAIN(space_do_close)
{
    SPACE(object);
    WAITING(m, space_close(self->s));
    Py_RETURN_NONE;
}

GETTER(space_get_dead) { SPACE(object); (void)m; return PyBool_FromLong(space_is_dead(self->s)); }
GETTER(space_get_pid) { SPACE(object); (void)m; return PyLong_FromLong(space_pid(self->s)); }
GETTER(space_get_resident) { SPACE(object); (void)m; return PyLong_FromUnsignedLongLong(space_nr_resident(self->s)); }

FAST(space_do_map_anon)
{
    uint64_t addr, length, prot;
    int result;
    if (!parse(args, nr, "uuu", &addr, &length, &prot) || !is_range(addr, length) || !is_prot(prot))
        return NULL;
    SPACE(object);
    WAITING(m, result = space_map_anon(self->s, addr, length, (uint32_t)prot));
    return PyLong_FromLong(result);
}

FAST(space_do_map_segment)
{
    uint64_t addr, length, offset, prot;
    SegmentObject *g;
    bool private;
    int result;
    if (!parse(args, nr, "uuGuub", &addr, &length, &g, &offset, &prot, &private) || !is_range(addr, length)
        || !is_prot(prot) || !is_extent(offset, length) || (offset % 4096 && !bad_value("offset not page-aligned")))
        return NULL;
    SPACE(object);
    if (!same_machine(self->machine, g->machine))
        return NULL;
    WAITING(m, result = space_map_segment(self->s, addr, length, g->g, offset, (uint32_t)prot, private));
    return PyLong_FromLong(result);
}

FAST(space_do_map_host)
{
    uint64_t addr, length, offset, prot;
    int fd, result;
    bool shared;
    if (!parse(args, nr, "uuduub", &addr, &length, &fd, &offset, &prot, &shared) || !is_range(addr, length)
        || !is_prot(prot) || !is_extent(offset, length) || (offset % 4096 && !bad_value("offset not page-aligned")))
        return NULL;
    SPACE(object);
    WAITING(m, result = space_map_host(self->s, addr, length, fd, offset, (uint32_t)prot, shared));
    return PyLong_FromLong(result);
}

FAST(space_do_unmap)
{
    uint64_t addr, length;
    int result;
    if (!parse(args, nr, "uu", &addr, &length) || !is_range(addr, length))
        return NULL;
    SPACE(object);
    WAITING(m, result = space_unmap(self->s, addr, length));
    return PyLong_FromLong(result);
}

FAST(space_do_protect)
{
    uint64_t addr, length, prot;
    int result;
    if (!parse(args, nr, "uuu", &addr, &length, &prot) || !is_range(addr, length) || !is_prot(prot))
        return NULL;
    SPACE(object);
    WAITING(m, result = space_protect(self->s, addr, length, (uint32_t)prot));
    return PyLong_FromLong(result);
}

FAST(space_do_move)
{
    uint64_t from, to, length;
    int result;
    if (!parse(args, nr, "uuu", &from, &to, &length) || !is_range(from, length) || !is_range(to, length))
        return NULL;
    SPACE(object);
    WAITING(m, result = space_move(self->s, from, to, length));
    return PyLong_FromLong(result);
}

FAST(space_do_break_cow)
{
    uint64_t addr, prot;
    int result;
    if (!parse(args, nr, "uu", &addr, &prot) || !is_prot(prot) || !is_range(addr & ~4095ul, 4096))
        return NULL;
    SPACE(object);
    WAITING(m, result = space_break_cow(self->s, addr, (uint32_t)prot));
    return PyLong_FromLong(result);
}

FAST(space_do_clone_range)
{
    SpaceObject *from;
    uint64_t addr, length;
    bool share;
    int result;
    if (!parse(args, nr, "Puub", &from, &addr, &length, &share) || !is_range(addr, length))
        return NULL;
    SPACE(object);
    if (!same_machine(self->machine, from->machine))
        return NULL;
    WAITING(m, result = space_clone_range(self->s, from->s, addr, length, share));
    return PyLong_FromLong(result);
}

FAST(space_do_lookup)
{
    uint64_t addr;
    uint32_t bits;
    if (!parse(args, nr, "u", &addr))
        return NULL;
    SPACE(object);
    ENTER(m);
    bits = space_lookup(self->s, addr);
    LEAVE(m);
    return PyLong_FromLong(bits);
}

FAST(space_do_resident)
{
    uint64_t addr, length;
    if (!parse(args, nr, "uu", &addr, &length) || !is_range(addr, length))
        return NULL;
    SPACE(object);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(length / 4096));
    if (!bytes)
        return NULL;
    ENTER(m);
    space_resident(self->s, addr, length / 4096, (uint8_t *)PyBytes_AS_STRING(bytes));
    LEAVE(m);
    return bytes;
}

static PyObject *space_bytes(PyObject *object, PyObject *const *args, Py_ssize_t nr, bool force)
{
    uint64_t addr, length, done = 0;
    if (!parse(args, nr, "uu", &addr, &length))
        return NULL;
    SPACE(object);
    ENTER(m);                                   /* a guest chose the length: allocate only what can be read */
    length = space_readable(self->s, addr, length, force);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length);
    if (bytes)
        done = space_read(self->s, addr, (uint8_t *)PyBytes_AS_STRING(bytes), length, force);
    LEAVE(m);
    if (bytes && done != length)
        _PyBytes_Resize(&bytes, (Py_ssize_t)done);
    return bytes;
}

FAST(space_do_read) { return space_bytes(object, args, nr, false); }
FAST(space_do_read_force) { return space_bytes(object, args, nr, true); }

FAST(space_do_write)
{
    uint64_t addr, done;
    PyObject *data;
    if (!parse(args, nr, "uy", &addr, &data))
        return NULL;
    SPACE(object);
    ENTER(m);
    done = space_write(self->s, addr, (const uint8_t *)PyBytes_AS_STRING(data), (uint64_t)PyBytes_GET_SIZE(data));
    LEAVE(m);
    return PyLong_FromUnsignedLongLong(done);
}

FAST(space_do_zero)
{
    uint64_t addr, length, done;
    if (!parse(args, nr, "uu", &addr, &length))
        return NULL;
    SPACE(object);
    ENTER(m);
    done = space_write(self->s, addr, NULL, length);
    LEAVE(m);
    return PyLong_FromUnsignedLongLong(done);
}

FAST(space_do_read_cstring)
{
    uint64_t addr, limit, length, done = 0;
    int status;
    if (!parse(args, nr, "uu", &addr, &limit))
        return NULL;
    SPACE(object);
    ENTER(m);
    length = space_string_length(self->s, addr, limit, &status);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length);
    if (bytes)
        done = space_read(self->s, addr, (uint8_t *)PyBytes_AS_STRING(bytes), length, false);
    LEAVE(m);
    if (!bytes || (done != length && _PyBytes_Resize(&bytes, (Py_ssize_t)done) < 0))
        return NULL;
    /* A guest may have written a NUL meanwhile: the caller is promised that there is none. */
    size_t real = strnlen(PyBytes_AS_STRING(bytes), (size_t)done);
    if (real != done && _PyBytes_Resize(&bytes, (Py_ssize_t)real) < 0)
        return NULL;
    return Py_BuildValue("(Ni)", bytes, real != done ? 0 : status);
}

static PyObject *space_with_segment(PyObject *object, PyObject *const *args, Py_ssize_t nr, bool to_segment)
{
    SegmentObject *g;
    uint64_t addr, offset, length;
    int64_t result;
    if (!parse(args, nr, "uGuu", &addr, &g, &offset, &length) || !is_extent(offset, length))
        return NULL;
    SPACE(object);
    if (!same_machine(self->machine, g->machine))
        return NULL;
    ENTER(m);
    result = space_segment_io(self->s, addr, g->g, offset, length, to_segment);
    LEAVE(m);
    return PyLong_FromLongLong(result);
}

FAST(space_do_to_segment) { return space_with_segment(object, args, nr, true); }
FAST(space_do_from_segment) { return space_with_segment(object, args, nr, false); }

static PyObject *space_io(PyObject *object, PyObject *const *args, Py_ssize_t nr, bool to_host)
{
    uint64_t addr, length;
    int64_t host_offset, result;
    int fd, flags;
    if (!parse(args, nr, "udiud", &addr, &fd, &host_offset, &length, &flags) || !is_host_extent(host_offset, length))
        return NULL;
    SPACE(object);
    WAITING(m, result = space_host_io(self->s, addr, fd, host_offset, length, flags, to_host));
    return PyLong_FromLongLong(result);
}

FAST(space_do_read_host) { return space_io(object, args, nr, false); }
FAST(space_do_write_host) { return space_io(object, args, nr, true); }

FAST(space_do_load_u32)
{
    uint64_t addr;
    int64_t value;
    if (!parse(args, nr, "u", &addr))
        return NULL;
    SPACE(object);
    ENTER(m);
    value = space_load_u32(self->s, addr);
    LEAVE(m);
    return PyLong_FromLongLong(value);
}

FAST(space_do_cas_u32)
{
    uint64_t addr, old, new;
    int64_t value;
    if (!parse(args, nr, "uuu", &addr, &old, &new) || ((old | new) >> 32 && !bad_value("not a 32-bit word")))
        return NULL;
    SPACE(object);
    ENTER(m);
    value = space_cas_u32(self->s, addr, (uint32_t)old, (uint32_t)new);
    LEAVE(m);
    return PyLong_FromLongLong(value);
}

/* ---- Context ---- */

static PyObject *context_make(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(keywords))
{
    SpaceObject *space;
    const char *what = "";
    int result;
    if (!PyArg_ParseTuple(args, "O!", &SpaceType, &space) || !is_usable(space->machine))
        return NULL;
    ContextObject *self = (ContextObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    Py_INCREF(space);
    self->space = space;
    WAITING(space->machine->m, result = context_new(&self->c, space->s, self, &what));
    if (result < 0) {
        self->c = NULL;
        Py_DECREF(self);
        return os_error(-result, what);
    }
    return (PyObject *)self;
}

static void context_dealloc(PyObject *object)
{
    ContextObject *self = (ContextObject *)object;
    if (self->c && !machine_is_foreign(self->space->machine->m)) {
        machine *m = self->space->machine->m;
        ENTER(m);
        context_release(self->c);
        LEAVE(m);
        context_free(self->c);
    }
    Py_XDECREF(self->space);
    Py_TYPE(object)->tp_free(object);
}

PLAIN(context_do_run)
{
    int result;
    CONTEXT(object);
    ENTER(m);
    result = context_run(self->c);
    LEAVE(m);
    if (result == 0)
        Py_RETURN_NONE;
    PyErr_SetString(PyExc_RuntimeError, result == -ESRCH ? "the context was released" : "the context runs already");
    return NULL;
}

PLAIN(context_do_park) { CONTEXT(object); ENTER(m); context_park(self->c); LEAVE(m); Py_RETURN_NONE; }
PLAIN(context_do_interrupt) { CONTEXT(object); WAITING(m, context_interrupt(self->c)); Py_RETURN_NONE; }
PLAIN(context_do_release) { CONTEXT(object); ENTER(m); context_release(self->c); LEAVE(m); Py_RETURN_NONE; }
GETTER(context_get_running) { CONTEXT(object); (void)m; return PyBool_FromLong(context_is_running(self->c)); }

GETTER(context_get_time)
{
    uint64_t ns;
    CONTEXT(object);
    ENTER(m);
    ns = context_cpu_time(self->c);
    LEAVE(m);
    return PyLong_FromUnsignedLongLong(ns);
}

FAST(context_do_get_reg)
{
    uint64_t index;
    if (!parse(args, nr, "u", &index) || (index >= MACHINE_NR_REGS && !bad_value("no such register")))
        return NULL;
    CONTEXT(object);
    (void)m;
    return PyLong_FromUnsignedLongLong(context_get_reg(self->c, (unsigned)index));
}

/* 64-bit words may come as signed or unsigned numbers. */
static bool as_word(PyObject *object, uint64_t *out)
{
    int overflow;
    *out = (uint64_t)PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow > 0)
        return as_unsigned(object, out);
    if (overflow < 0)
        return bad_value("integer out of range");
    return !(*out == (uint64_t)-1 && PyErr_Occurred());
}

FAST(context_do_set_reg)
{
    uint64_t index, value;
    if (nr != 2 || !as_unsigned(args[0], &index) || !as_word(args[1], &value)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "expected 2 arguments");
        return NULL;
    }
    if (index >= MACHINE_NR_REGS && !bad_value("no such register"))
        return NULL;
    CONTEXT(object);
    ENTER(m);
    int result = context_set_reg(self->c, (unsigned)index, value);
    LEAVE(m);
    if (result < 0 && !bad_value("a segment base outside user space"))
        return NULL;
    Py_RETURN_NONE;
}

PLAIN(context_do_registers)
{
    CONTEXT(object);
    (void)m;
    PyObject *tuple = PyTuple_New(MACHINE_NR_REGS);
    for (unsigned i = 0; tuple && i < MACHINE_NR_REGS; i++) {
        PyObject *value = PyLong_FromUnsignedLongLong(context_get_reg(self->c, i));
        if (!value)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, value);
    }
    return tuple;
}

static PyObject *context_do_set_registers(PyObject *object, PyObject *values)
{
    uint64_t words[MACHINE_NR_REGS];
    CONTEXT(object);
    if (!is_of(values, &PyTuple_Type) || (PyTuple_GET_SIZE(values) != MACHINE_NR_REGS && !bad_value("27 values wanted")))
        return NULL;
    for (unsigned i = 0; i < MACHINE_NR_REGS; i++)
        if (!as_word(PyTuple_GET_ITEM(values, i), &words[i]))
            return NULL;
    ENTER(m);
    int result = context_set_reg(self->c, 21, words[21]);      /* the only two that can be refused come first */
    if (result == 0)
        result = context_set_reg(self->c, 22, words[22]);
    for (unsigned i = 0; result == 0 && i < MACHINE_NR_REGS; i++)
        result = context_set_reg(self->c, i, words[i]);
    LEAVE(m);
    if (result < 0 && !bad_value("a segment base outside user space"))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *context_do_set_result(PyObject *object, PyObject *value)
{
    uint64_t word;
    if (!as_word(value, &word))
        return NULL;
    CONTEXT(object);
    ENTER(m);
    context_set_reg(self->c, 10, word);
    LEAVE(m);
    Py_RETURN_NONE;
}

PLAIN(context_do_fpu)
{
    CONTEXT(object);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, machine_fpu_bytes());
    if (!bytes)
        return NULL;
    ENTER(m);
    context_get_fpu(self->c, (uint8_t *)PyBytes_AS_STRING(bytes));
    LEAVE(m);
    return bytes;
}

static PyObject *context_do_set_fpu(PyObject *object, PyObject *data)
{
    CONTEXT(object);
    if (!is_of(data, &PyBytes_Type))
        return NULL;
    ENTER(m);
    int result = context_set_fpu(self->c, (const uint8_t *)PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data));
    LEAVE(m);
    return result == -ENOMEM ? PyErr_NoMemory() : PyBool_FromLong(result == 0);
}

PLAIN(context_do_reset_fpu) { CONTEXT(object); ENTER(m); context_reset_fpu(self->c); LEAVE(m); Py_RETURN_NONE; }

/* ---- host calls ---- */

FAST(do_openat2)
{
    int dir_fd, result;
    uint64_t flags, mode, resolve;
    PyObject *path;
    (void)object;
    if (!parse(args, nr, "dyuuu", &dir_fd, &path, &flags, &mode, &resolve))
        return NULL;
    const char *text = PyBytes_AS_STRING(path);
    if (strlen(text) != (size_t)PyBytes_GET_SIZE(path) && !bad_value("NUL in path"))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    result = hostio_openat2(dir_fd, text, flags, mode, resolve);
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(result);
}

static int add_entries(PyObject *list, const uint8_t *buffer, long size)
{
    for (long at = 0; at < size;) {             /* struct linux_dirent64: ino, off, reclen, type, name */
        uint64_t ino;
        uint16_t length;
        memcpy(&ino, buffer + at, 8);
        memcpy(&length, buffer + at + 16, 2);
        const char *name = (const char *)buffer + at + 19;
        int type = buffer[at + 18];
        at += length;
        if (!strcmp(name, ".") || !strcmp(name, ".."))
            continue;
        PyObject *entry = Py_BuildValue("(yKi)", name, (unsigned long long)ino, type);
        int result = entry ? PyList_Append(list, entry) : -1;
        Py_XDECREF(entry);
        if (result < 0)
            return -1;
    }
    return 0;
}

static PyObject *do_getdents(PyObject *Py_UNUSED(module), PyObject *argument)
{
    int64_t fd;
    uint8_t *buffer;
    long n;
    if (!as_signed(argument, &fd))
        return NULL;
    PyObject *list = PyList_New(0);
    if (!list || !(buffer = PyMem_Malloc(32768))) {
        Py_XDECREF(list);
        return PyErr_NoMemory();
    }
    do {
        Py_BEGIN_ALLOW_THREADS
        n = hostio_getdents((int)fd, buffer, 32768);
        Py_END_ALLOW_THREADS
        if (n < 0)
            Py_SETREF(list, PyLong_FromLong(n));
        else if (add_entries(list, buffer, n) < 0)
            Py_CLEAR(list);
    } while (n > 0 && list);
    PyMem_Free(buffer);
    return list;
}

FAST(do_statx)
{
    int dir_fd, flags, result;
    PyObject *path;
    int64_t values[17];
    (void)object;
    if (!parse(args, nr, "dyd", &dir_fd, &path, &flags))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    result = hostio_statx(dir_fd, PyBytes_AS_STRING(path), flags, values);
    Py_END_ALLOW_THREADS
    if (result < 0)
        return PyLong_FromLong(result);
    PyObject *tuple = PyTuple_New(17);
    for (int i = 0; tuple && i < 17; i++) {
        bool is_time = i >= 8 && i <= 11;       /* the rest is unsigned: an inode number may have its top bit set */
        PyObject *value = is_time ? PyLong_FromLongLong(values[i]) : PyLong_FromUnsignedLongLong((uint64_t)values[i]);
        if (!value)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, value);
    }
    return tuple;
}

/* ---- tables ---- */

#define F(name, function) {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL, NULL}
#define N(name, function) {name, function, METH_NOARGS, NULL}
#define O(name, function) {name, function, METH_O, NULL}
#define G(name, function) {name, function, NULL, NULL, NULL}

static PyMethodDef machine_methods[] = {
    N("close", machine_do_close), F("wait", machine_wait), N("wake", machine_do_wake), F("watch", machine_do_watch),
    F("set_spin", machine_do_set_spin), {0}};
static PyGetSetDef machine_getters[] = {
    G("nr_free_frames", machine_get_free), G("nr_frames", machine_get_frames), G("nr_stubs", machine_get_stubs),
    G("features", machine_get_features), G("vdso", machine_get_vdso), G("reserved_ranges", machine_get_reserved), {0}};
static PyMethodDef segment_methods[] = {
    F("read", segment_do_read), F("write", segment_do_write), F("discard", segment_do_discard),
    F("copy_from", segment_do_copy_from), F("read_host", segment_do_read_host), F("write_host", segment_do_write_host),
    F("next_data", segment_do_next_data), F("next_hole", segment_do_next_hole), {0}};
static PyGetSetDef segment_getters[] = {G("nr_pages", segment_get_pages), {0}};
static PyMethodDef space_methods[] = {
    N("close", space_do_close), F("map_anon", space_do_map_anon), F("map_segment", space_do_map_segment),
    F("map_host", space_do_map_host), F("unmap", space_do_unmap), F("protect", space_do_protect), F("move", space_do_move),
    F("break_cow", space_do_break_cow), F("clone_range", space_do_clone_range), F("lookup", space_do_lookup),
    F("resident", space_do_resident), F("read", space_do_read), F("write", space_do_write),
    F("read_cstring", space_do_read_cstring), F("zero", space_do_zero), F("read_force", space_do_read_force),
    F("copy_to_segment", space_do_to_segment), F("copy_from_segment", space_do_from_segment),
    F("read_host", space_do_read_host), F("write_host", space_do_write_host), F("load_u32", space_do_load_u32),
    F("cas_u32", space_do_cas_u32), {0}};
static PyGetSetDef space_getters[] = {
    G("is_dead", space_get_dead), G("host_pid", space_get_pid), G("nr_resident", space_get_resident), {0}};
static PyMethodDef context_methods[] = {
    N("run", context_do_run), N("park", context_do_park), N("interrupt", context_do_interrupt),
    N("release", context_do_release), F("get_reg", context_do_get_reg), F("set_reg", context_do_set_reg),
    N("registers", context_do_registers), O("set_registers", context_do_set_registers),
    O("set_result", context_do_set_result), N("fpu", context_do_fpu), O("set_fpu", context_do_set_fpu),
    N("reset_fpu", context_do_reset_fpu), {0}};
static PyGetSetDef context_getters[] = {G("is_running", context_get_running), G("cpu_time_ns", context_get_time), {0}};
static PyMemberDef context_members[] = {{"tag", T_LONGLONG, offsetof(ContextObject, tag), 0, NULL}, {0}};

#define TYPE(variable, text, object, make, dealloc, methods, getters, members) \
    static PyTypeObject variable = {PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "cruck.framework._machine." text, \
        .tp_basicsize = sizeof(object), .tp_flags = Py_TPFLAGS_DEFAULT, .tp_new = make, .tp_dealloc = dealloc, \
        .tp_methods = methods, .tp_getset = getters, .tp_members = members}
TYPE(MachineType, "Machine", MachineObject, machine_make, machine_dealloc, machine_methods, machine_getters, NULL);
TYPE(SegmentType, "Segment", SegmentObject, segment_make, segment_dealloc, segment_methods, segment_getters, NULL);
TYPE(SpaceType, "Space", SpaceObject, space_make, space_dealloc, space_methods, space_getters, NULL);
TYPE(ContextType, "Context", ContextObject, context_make, context_dealloc, context_methods, context_getters, context_members);

static PyMethodDef functions[] = {F("openat2", do_openat2), O("getdents", do_getdents), F("statx", do_statx), {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_machine", .m_size = -1, .m_methods = functions};

PyMODINIT_FUNC PyInit__machine(void)
{
    static const struct { const char *name; long long value; } constants[] = {
        {"USER_END", MACHINE_USER_END}, {"PROT_READ", 1}, {"PROT_WRITE", 2}, {"PROT_EXEC", 4}, {"NR_REGS", MACHINE_NR_REGS},
        {"STOP_SYSCALL", STOP_SYSCALL}, {"STOP_FAULT", STOP_FAULT}, {"STOP_EXCEPTION", STOP_EXCEPTION},
        {"STOP_INTERRUPTED", STOP_INTERRUPTED}, {"STOP_DEAD", STOP_DEAD}, {"STOP_HOST", STOP_HOST},
        {"STOP_STARTED", STOP_STARTED}};
    PyTypeObject *types[] = {&MachineType, &SegmentType, &SpaceType, &ContextType};
    const char *names[] = {"Machine", "Segment", "Space", "Context"};
    PyObject *module = PyModule_Create(&definition);
    if (!module)
        return NULL;
    machine_setup();
    for (unsigned i = 0; i < sizeof constants / sizeof *constants; i++)
        if (PyModule_AddObject(module, constants[i].name, PyLong_FromLongLong(constants[i].value)) < 0)
            goto failed;
    if (PyModule_AddIntConstant(module, "FPU_BYTES", machine_fpu_bytes()) < 0)
        goto failed;
    for (int i = 0; i < 4; i++)
        if (PyType_Ready(types[i]) < 0 || PyModule_AddObjectRef(module, names[i], (PyObject *)types[i]) < 0)
            goto failed;
    return module;
failed:
    Py_DECREF(module);
    return NULL;
}
