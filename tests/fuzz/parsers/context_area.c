/* SPDX-License-Identifier: MPL-2.0
 *
 * A context area of a hostile guest, as context.c reads it: any bytes. The real source with fakes around it.
 *
 * Input: 8 bytes of choices, then struct context_area, then what lies at the frame it names. Checked: offsets stay in the area (and the
 * sanitizers' red zones around it), a report is one of the documented, what goes back into the frame is ring 3's. */
#include "harness.h"
#include "context_fakes.h"

static void check_frame(const context *c)
{
    struct mcontext mc;
    memcpy(&mc, (uint8_t *)area + c->frame + UCONTEXT_MCONTEXT, sizeof mc);
    CHECK(mc.cs == 0x33 && mc.ss == 0x2b && mc.fs == 0 && mc.gs == 0 && !(mc.eflags & ~(FLAGS_OF_RING3 | FLAGS_ALWAYS)));
}

static void check_fpu(context *c, const uint8_t *data, size_t size)
{
    uint8_t *fpu = malloc(fpu_bytes), *any = malloc(size ? size : 1);
    context_get_fpu(c, fpu);
    context_set_fpu(c, fpu, fpu_bytes);
    memcpy(any, data, size);
    context_set_fpu(c, any, size);
    free(fpu);
    free(any);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine_page page = {0};
    machine m = {.page = &page};
    uint32_t slots[4] = {0};
    uint8_t states[4] = {0};
    struct stub stub = {.m = &m, .pid = 1, .slots = slots, .slot_states = states, .nr_slots = 4};
    space s = {.m = &m, .stub = &stub};
    uint64_t value;
    if (!fpu_bytes)
        machine_setup_fpu();
    if (size < 8 + sizeof *area)
        return 0;
    area = aligned_alloc(CONTEXT_BYTES, CONTEXT_BYTES);
    fill_area(data + 8, size - 8);
    context *c = start_context(&s, data[0]);
    c->number = data[1] % 4;

    context_collect(c);
    if (c->list == LIST_READY)
        check_stop(c);
    else
        CHECK(c->list == LIST_RUNNING);
    if (!has_died && !c->is_fresh && c->frame) {
        check_offsets(c);
        check_fpu(c, data + 8 + sizeof *area, size - 8 - sizeof *area);
        memcpy(&value, data, 8);
        for (unsigned i = 0; i < MACHINE_NR_REGS; i++)
            context_set_reg(c, i, value);
        if (c->list == LIST_READY) {
            context_list(c, LIST_NONE);
            CHECK(context_run(c) == 0);
            check_frame(c);
            CHECK(context_run(c) == -EBUSY);
        }
    }
    CHECK(m.nr_interrupts <= 1);
    context_release(c);
    CHECK(m.nr_interrupts == 0 && !m.running_head && !m.ready_head);
    context_free(c);
    free(area);
    return 0;
}

static size_t make_seed(unsigned index, uint8_t *out) { return stop_of_kind(index, out); }
