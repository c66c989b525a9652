/* The parts of profile_parse, each a section of the profile. */
#ifndef SIM_PROFILE_IMPL_H
#define SIM_PROFILE_IMPL_H

#include "lib/base/config_node.h"
#include "lib/sim/profile.h"

#define PROFILE_REAL_MAX 1e15

/* Letters, digits and '_' only: what a name of the profile may hold. */
int profile_check_name(const struct node *n, const char *name, struct error *err);

int profile_read_sensors(struct profile *p, const struct node *n, struct error *err);
int profile_read_daily(struct profile *p, const struct node *n, struct error *err);
int profile_read_signals(struct profile *p, const struct node *n, struct error *err);
int profile_read_bank(struct profile *p, const struct node *n, const struct signal_spec *like,
		      struct error *err);
int profile_read_correlation(struct profile *p, const struct node *n, struct error *err);
int profile_read_anomalies(struct profile *p, const struct node *n, struct error *err);

/* Room for one more, which is zeroed and counted. */
struct signal_spec *profile_add_signal(struct profile *p, const char *name, size_t len,
				       struct error *err);

/* n numbers that live as long as the profile. */
double *profile_add_loadings(struct profile *p, size_t n, struct error *err);

#endif
