/* sim_plan.c -- random plans: chains, diamonds, shared stages, caches; and the right values */
#include "sim.h"

uint32_t plan_stage(const Sim *sim, StageId id)
{
    for (uint32_t i = 0; i < sim->stage_count; i++)
        if (sim->stages[i].id == id)
            return i;
    sim_fail(sim, "a stage that was never added", __LINE__);
}

static PartitionRange inputs_of(const SimStage *stage, uint32_t parent, uint32_t part,
                                const SimStage *of)
{
    return stage->has_ranges[parent] ? stage->ranges[parent][part]
                                     : (PartitionRange){.count = of->parts};
}

static void choose_parents(Sim *sim, uint32_t number)
{
    SimStage *stage = &sim->stages[number];

    stage->lineage = 1u << number;
    for (uint32_t i = 0; i < PARENTS_MAX && number > 0; i++) {
        uint32_t pick = sim_chance(sim, 600) ? number - 1 : sim_below(sim, number);
        SimStage *parent = &sim->stages[pick];

        if (parent->is_result || !sim_chance(sim, i == 0 ? 850 : 350))
            continue;
        stage->parents[stage->parent_count] = pick;
        stage->has_ranges[stage->parent_count] = sim_chance(sim, 200);
        for (uint32_t p = 0; p < stage->parts; p++) {
            uint32_t first = sim_below(sim, parent->parts + 1);

            stage->ranges[stage->parent_count][p] = (PartitionRange){
                .first = first, .count = sim_below(sim, parent->parts - first + 1)};
        }
        stage->parent_count++;
        stage->lineage |= parent->lineage;
        stage->depends_on_random |= parent->is_random || parent->depends_on_random;
    }
}

/* A stage that reads what an earlier one reads, so that both can use one cached input. */
static void maybe_share_cache(Sim *sim, uint32_t number)
{
    SimStage *stage = &sim->stages[number];

    stage->cache_group = NONE;
    if (sim->group_count == GROUPS_MAX || stage->parent_count == 0 || !sim_chance(sim, 350))
        return;
    stage->cache_group = sim->group_count++;
    for (uint32_t i = number + 1; i < sim->stage_count && sim_chance(sim, 700); i++) {
        SimStage *other = &sim->stages[i];
        bool is_result = other->is_result;

        *other = *stage;
        other->is_result = is_result;
        other->lineage = (stage->lineage & ~(1u << number)) | 1u << i;
    }
}

static void compute_values(Sim *sim, uint32_t number)
{
    SimStage *stage = &sim->stages[number];

    for (uint32_t p = 0; p < stage->parts; p++) {
        stage->inputs[p] = 1;
        for (uint32_t d = 0; d < stage->parent_count; d++) {
            const SimStage *parent = &sim->stages[stage->parents[d]];
            PartitionRange range = inputs_of(stage, d, p, parent);

            for (uint32_t i = 0; i < range.count; i++)
                stage->inputs[p] = sim_mix(stage->inputs[p], parent->value[range.first + i]);
        }
        stage->value[p] = sim_mix(stage->inputs[p], number * PARTS_MAX + p);
    }
}

static void add_stage(Sim *sim, uint32_t number)
{
    SimStage *stage = &sim->stages[number];
    StageParent parents[PARENTS_MAX];
    uint32_t offsets[PARTS_MAX + 1] = {0}, hosts[PARTS_MAX * 2];
    char name[16];
    StageSpec spec = {.name = name,
                      .is_result = stage->is_result,
                      .partition_count = stage->parts,
                      .parent_count = stage->parent_count,
                      .parents = parents};

    snprintf(name, sizeof name, "s%u", number);
    for (uint32_t i = 0; i < stage->parent_count; i++)
        parents[i] = (StageParent){.stage = sim->stages[stage->parents[i]].id,
                                   .ranges = stage->has_ranges[i] ? stage->ranges[i] : NULL};
    if (sim_chance(sim, 400)) {
        for (uint32_t p = 0; p < stage->parts; p++) {
            offsets[p + 1] = offsets[p];
            for (uint32_t h = sim_below(sim, 3); h > 0; h--)
                hosts[offsets[p + 1]++] = (sim_below(sim, MACHINES_MAX + 2) + h) % 9;
            if (offsets[p + 1] == offsets[p] + 2 && hosts[offsets[p]] == hosts[offsets[p] + 1])
                offsets[p + 1]--;
        }
        spec.host_offsets = offsets;
        spec.hosts = hosts;
    }
    stage->id = scheduler_add_stage(sim->scheduler, &spec);
    stage->is_held = true;
}

/* As a stage that is shaped by what its parents made. */
static void choose_late(Sim *sim, uint32_t number)
{
    SimStage *stage = &sim->stages[number];

    stage->is_late = stage->parent_count > 0 && sim_chance(sim, 150);
    for (uint32_t i = 0; i < stage->parent_count; i++)
        stage->is_late |= sim->stages[stage->parents[i]].is_late;
}

void plan_make(Sim *sim)
{
    sim->stage_count = 1 + sim_below(sim, STAGES_MAX);
    for (uint32_t i = 0; i < sim->stage_count; i++) {
        SimStage *stage = &sim->stages[i];

        *stage = (SimStage){.error_part = NONE, .bad_part = NONE};
        stage->is_result = i + 1 == sim->stage_count || sim_chance(sim, 250);
        stage->parts = sim_chance(sim, 30) ? 0 : 1 + sim_below(sim, PARTS_MAX);
    }
    for (uint32_t i = 0; i < sim->stage_count; i++) {
        SimStage *stage = &sim->stages[i];

        if (stage->lineage == 0) {
            choose_parents(sim, i);
            maybe_share_cache(sim, i);
        }
        stage->is_random = sim_chance(sim, 25);
        if (sim_chance(sim, 30))
            stage->error_part = sim_below(sim, PARTS_MAX);
        stage->is_error_final = sim_chance(sim, 300);
        if (sim_chance(sim, 20))
            stage->bad_part = sim_below(sim, PARTS_MAX);
        compute_values(sim, i);
        choose_late(sim, i);
        if (!stage->is_late)
            add_stage(sim, i);
    }
}

void plan_add_late(Sim *sim, uint32_t number)
{
    for (uint32_t i = 0; i <= number; i++)
        if ((sim->stages[number].lineage >> i & 1) != 0 && sim->stages[i].id == 0)
            add_stage(sim, i);
}
