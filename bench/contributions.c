/* The contributions of many insured for one month, in a plain loop over columns: what bench/contributions.py
   compares with. Exact whole numbers, in the units of gateway/contributions/bulk.py, under the policy by default.
   UNIT is known when this is compiled, so that divisions are multiplications. */

#include <stdint.h>

#define RATE_SCALE 1000000
#define WHOLE_CENT ((int64_t)UNIT * RATE_SCALE)
#define GROUPS 6
#define BRANCHES 8

enum { CARE, CASH, PENSION, DEPENDENCY, ACCIDENT, MDE, HEALTH, FAMILY };

struct law {
    int64_t allowance, allowance_from, ceiling;
    const int64_t *minimum;            /* by age and group */
    const int64_t *rates[BRANCHES];    /* by group and circumstance */
    const uint8_t *present[BRANCHES];
};

static int64_t rounded(int64_t parts, int64_t unit) { return (parts + unit / 2) / unit; }

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

void contributions(
    int64_t rows, const struct law *law,
    const int64_t *base_wage, const int64_t *supplements, const int64_t *overtime, const int64_t *gratuities,
    const int64_t *unemployment, const int64_t *hours, const int64_t *age, const int64_t *group,
    const int64_t *mde_class, const int64_t *factor, const int64_t *public, const int64_t *service,
    int64_t *base, int64_t *employee, int64_t *employer, uint8_t *present, uint8_t *apart)
{
    for (int64_t i = 0; i < rows; i++) {
        int64_t young = (age[i] < 18) + (age[i] < 17);
        int64_t floor = law->minimum[young * GROUPS + group[i]] * smaller(hours[i], UNIT);
        int64_t allowance = law->allowance * (hours[i] >= law->allowance_from ? UNIT : hours[i]);
        int64_t regular = base_wage[i] + supplements[i];
        int64_t cash = (regular + unemployment[i]) * UNIT;
        int64_t accident = (regular + gratuities[i]) * UNIT;
        int64_t pension = accident + unemployment[i] * UNIT;
        int64_t care = pension + overtime[i] * UNIT;
        int64_t bases[BRANCHES], cents[BRANCHES];
        int64_t place[BRANCHES] = {
            group[i], group[i], group[i], group[i], group[i],
            group[i] * 5 + mde_class[i], group[i] * 3 + service[i], group[i] * 2 + public[i],
        };
        bases[DEPENDENCY] = larger(care - allowance, 0);
        care = larger(care, floor);
        cash = larger(cash, floor);
        pension = larger(pension, floor);
        accident = larger(accident, floor);
        apart[i] = care > law->ceiling || cash > law->ceiling || pension > law->ceiling || accident > law->ceiling;
        bases[CARE] = smaller(care, law->ceiling);
        bases[CASH] = bases[MDE] = smaller(cash, law->ceiling);
        bases[PENSION] = bases[FAMILY] = smaller(pension, law->ceiling);
        bases[ACCIDENT] = bases[HEALTH] = smaller(accident, law->ceiling);
        cents[CARE] = rounded(bases[CARE], UNIT);
        cents[CASH] = cents[MDE] = rounded(bases[CASH], UNIT);
        cents[PENSION] = cents[FAMILY] = rounded(bases[PENSION], UNIT);
        cents[DEPENDENCY] = rounded(bases[DEPENDENCY], UNIT);
        cents[ACCIDENT] = cents[HEALTH] = rounded(bases[ACCIDENT], UNIT);
        for (int branch = 0; branch < BRANCHES; branch++) {
            int64_t at = branch * rows + i;
            int64_t rate = law->rates[branch][place[branch]] * (branch == ACCIDENT ? factor[i] : 1);
            int64_t share = rounded(bases[branch] * rate, WHOLE_CENT);
            present[at] = law->present[branch][place[branch]];
            base[at] = present[at] ? cents[branch] : 0;
            employee[at] = branch <= DEPENDENCY ? share : 0;
            employer[at] = branch == DEPENDENCY ? 0 : share;
        }
    }
}
