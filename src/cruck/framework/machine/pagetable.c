/* SPDX-License-Identifier: MPL-2.0 */
/* A radix tree of 512 entries a node and as many levels as its largest page needs, four at most: a small file has one node. Spaces
 * use it for translations, segments for their frames. */
#include <errno.h>
#include <stdlib.h>
#include "internal.h"

#define INDEX(page, level) ((page) >> 9 * (level) & 511)

static bool covers(const struct table *table, uint64_t page)
{
    return table->root && page >> 9 * (table->height + 1) == 0;
}

static struct node *find_leaf(struct table *table, uint64_t page)
{
    if (table->leaf && table->leaf_key == page >> 9)
        return table->leaf;
    struct node *node = covers(table, page) ? table->root : NULL;
    for (int level = table->height; node && level > 0; level--)
        node = (struct node *)node->entries[INDEX(page, level)];
    if (node) {
        table->leaf = node;
        table->leaf_key = page >> 9;
    }
    return node;
}

uint64_t table_get(struct table *table, uint64_t page)
{
    struct node *leaf = page < MAX_PAGE ? find_leaf(table, page) : NULL;
    return leaf ? leaf->entries[page & 511] : 0;
}

static struct node *make_leaf(struct table *table, uint64_t page)
{
    struct node *node = find_leaf(table, page);
    if (node)
        return node;
    while (!covers(table, page)) {              /* one level more, above what there is */
        struct node *above = calloc(1, sizeof *above);
        if (!above)
            return NULL;
        if (table->root) {
            above->entries[0] = (uint64_t)table->root;
            above->live = 1;
            table->height++;
        }
        table->root = above;
    }
    node = table->root;
    for (int level = table->height; level > 0; level--) {
        uint64_t *entry = &node->entries[INDEX(page, level)];
        if (!*entry) {
            *entry = (uint64_t)calloc(1, sizeof *node);
            if (!*entry)
                return NULL;
            node->live++;
        }
        node = (struct node *)*entry;
    }
    return node;
}

/* Frees the nodes on the way to `page` that have become empty. */
static void prune(struct table *table, uint64_t page)
{
    struct node *path[4];
    path[table->height] = table->root;
    for (int level = table->height; level > 0; level--)
        path[level - 1] = (struct node *)path[level]->entries[INDEX(page, level)];
    for (int level = 0; level < table->height && path[level]->live == 0; level++) {
        free(path[level]);
        path[level + 1]->entries[INDEX(page, level + 1)] = 0;
        path[level + 1]->live--;
    }
    table->leaf = NULL;
}

int table_set(struct table *table, uint64_t page, uint64_t entry)
{
    if (page >= MAX_PAGE)
        return -ENOMEM;
    struct node *leaf = entry ? make_leaf(table, page) : find_leaf(table, page);
    if (!leaf)
        return entry ? -ENOMEM : 0;
    uint64_t *at = &leaf->entries[page & 511];
    if (!*at && entry) {
        leaf->live++;
        table->nr_present++;
    } else if (*at && !entry) {
        table->nr_present--;
        *at = 0;
        if (--leaf->live == 0)
            prune(table, page);
        return 0;
    }
    *at = entry;
    return 0;
}

uint64_t table_next(struct table *table, uint64_t page, uint64_t end)
{
    while (page < end && covers(table, page)) {
        struct node *node = table->root;
        int level = table->height;
        while (level > 0 && node->entries[INDEX(page, level)]) {
            node = (struct node *)node->entries[INDEX(page, level)];
            level--;
        }
        if (level == 0) {
            for (uint64_t i = page & 511; i < 512; i++)
                if (node->entries[i]) {
                    page = (page & ~511ul) + i;
                    return page < end ? page : end;
                }
            page = (page | 511) + 1;
        } else {                                /* nothing below this entry: on to the next of its level */
            page = ((page >> 9 * level) + 1) << 9 * level;
        }
    }
    return end;
}

static void free_nodes(struct node *node, int level)
{
    for (int i = 0; level > 0 && i < 512; i++)
        if (node->entries[i])
            free_nodes((struct node *)node->entries[i], level - 1);
    free(node);
}

void table_destroy(struct table *table)
{
    if (table->root)
        free_nodes(table->root, table->height);
    *table = (struct table){0};
}
