/*
 * kafka_tool [-b BROKERS] [-t SECONDS] COMMAND...: what tests ask of a Kafka server beside the
 * programs they test, at the speed of a C program. BROKERS is KAFKA_BOOTSTRAP_SERVERS by default, a
 * request may take 60 seconds. Exits with 0, with 1 where the answer is no or did not come in time.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <librdkafka/rdkafka.h>

static const char usage[] =
	"usage: kafka_tool [-b BROKERS] [-t SECONDS] COMMAND\n"
	"ready NODES                  so many brokers are there\n"
	"in-sync NODES                and every replica of every partition is in sync\n"
	"leader TOPIC PARTITION       prints the broker that leads it\n"
	"create-topic TOPIC PARTITIONS REPLICATION [NAME=VALUE...]   and waits for its leaders\n"
	"add-partitions TOPIC PARTITIONS          so that it has so many, with leaders\n"
	"delete-topic TOPIC           and waits until it is gone\n"
	"delete-records TOPIC PARTITION OFFSET    those before the offset\n"
	"offsets TOPIC                prints PARTITION FIRST NEXT a line\n"
	"committed GROUP              prints TOPIC PARTITION OFFSET a line, sorted, and 'sum N'\n"
	"reach GROUP SUM              waits until so much is committed\n"
	"follow GROUP MS              prints SUM OFFSET... every MS, until its reader is gone\n"
	"group GROUP                  prints its state, and MEMBER INSTANCE|- PARTITIONS a line\n"
	"members GROUP N              waits until it is stable with N members\n"
	"delete-group GROUP\n"
	"produce TOPIC FROM TO KEYS   records of the numbers [FROM, TO), n % KEYS in the key\n"
	"feed TOPIC KEYS              the same from 0 up to each number that it reads\n"
	"ports N                      prints N free ports\n";

static rd_kafka_t *rk;
static rd_kafka_queue_t *queue;
static const char *brokers;
static int time_limit_ms = 60000;

static _Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "kafka_tool: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

static int64_t number(const char *text)
{
	char *end;
	int64_t x = strtoll(text, &end, 10);

	if (end == text || *end) {
		fprintf(stderr, "kafka_tool: '%s' is no number\n", text);
		exit(64);
	}
	return x;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nap(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *m, void *opaque)
{
	(void)client;
	(void)opaque;
	if (m->err)
		die("a record was not delivered: %s", rd_kafka_err2str(m->err));
}

/* Its log only matters when the command fails. */
static rd_kafka_t *new_client(rd_kafka_type_t type, const char *group)
{
	/* Of a producer with more requests under way librdkafka 2.0.2 may lose count when the
	 * leader is killed. */
	const char *settings[][2] = {
		{"bootstrap.servers", brokers},
		{"log_level", "0"},
		{"reconnect.backoff.max.ms", "500"},
		{"topic.metadata.refresh.interval.ms", "-1"},
		{"max.in.flight", group ? "1000000" : "1"},
		{"partitioner", "murmur2_random"},
		{group ? "group.id" : "enable.idempotence", group ? group : "true"},
		{group ? "isolation.level" : "linger.ms", group ? "read_uncommitted" : "5"}};
	char reason[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof(reason)))
			die("%s", reason);
	if (!group)
		rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof(reason));
	if (!client)
		die("%s", reason);
	return client;
}

static void connect_client(void)
{
	if (!brokers)
		brokers = getenv("KAFKA_BOOTSTRAP_SERVERS");
	if (!brokers)
		die("which brokers? -b, or KAFKA_BOOTSTRAP_SERVERS");
	rk = new_client(RD_KAFKA_PRODUCER, NULL);
	queue = rd_kafka_queue_new(rk);
}

/* The event that answers a request, with the error of the whole of it. */
static rd_kafka_event_t *answer(rd_kafka_resp_err_t *err, const char **text)
{
	rd_kafka_event_t *e = rd_kafka_queue_poll(queue, time_limit_ms + 1000);

	if (!e)
		die("no answer from %s", brokers);
	*err = rd_kafka_event_error(e);
	*text = rd_kafka_event_error_string(e);
	return e;
}

static rd_kafka_AdminOptions_t *options(rd_kafka_admin_op_t op, int timeout_ms)
{
	rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(rk, op);
	char reason[256];

	if (rd_kafka_AdminOptions_set_request_timeout(o, timeout_ms, reason, sizeof(reason)))
		die("%s", reason);
	return o;
}

static const rd_kafka_metadata_t *metadata(const char *topic)
{
	const rd_kafka_metadata_t *md;
	rd_kafka_topic_t *t = topic ? rd_kafka_topic_new(rk, topic, NULL) : NULL;

	if (rd_kafka_metadata(rk, !topic, t, &md, 1000))
		md = NULL;
	if (t)
		rd_kafka_topic_destroy(t);
	return md;
}

/* Asks until the answer is yes, or the time is over. */
static int until(bool (*yes)(const rd_kafka_metadata_t *md, const char *topic, int n),
		 const char *topic, int n)
{
	int64_t limit = now_ms() + time_limit_ms;

	for (;;) {
		const rd_kafka_metadata_t *md = metadata(topic);
		bool is_so = md && yes(md, topic, n);
		if (md)
			rd_kafka_metadata_destroy(md);
		if (is_so)
			return 0;
		if (now_ms() >= limit)
			return 1;
		nap(20);
	}
}

static bool has_nodes(const rd_kafka_metadata_t *md, const char *topic, int n)
{
	(void)topic;
	return md->broker_cnt == n;
}

static bool is_in_sync(const rd_kafka_metadata_t *md, const char *topic, int n)
{
	if (!has_nodes(md, topic, n))
		return false;
	for (int t = 0; t < md->topic_cnt; t++)
		for (int p = 0; p < md->topics[t].partition_cnt; p++) {
			rd_kafka_metadata_partition_t *at = &md->topics[t].partitions[p];
			if (at->err || at->leader < 0 || at->isr_cnt < at->replica_cnt)
				return false;
		}
	return true;
}

static bool has_leaders(const rd_kafka_metadata_t *md, const char *topic, int n)
{
	(void)topic;
	if (md->topic_cnt != 1 || md->topics[0].err || md->topics[0].partition_cnt != n)
		return false;
	return is_in_sync(md, topic, md->broker_cnt);
}

static bool is_gone(const rd_kafka_metadata_t *md, const char *topic, int n)
{
	(void)topic;
	(void)n;
	return md->topic_cnt == 1 && md->topics[0].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

static int ready(char **arg)
{
	return until(has_nodes, NULL, (int)number(arg[0]));
}

static int in_sync(char **arg)
{
	return until(is_in_sync, NULL, (int)number(arg[0]));
}

static int leader(char **arg)
{
	const rd_kafka_metadata_t *md = metadata(arg[0]);
	int64_t p = number(arg[1]);

	if (!md || md->topic_cnt != 1 || p < 0 || p >= md->topics[0].partition_cnt)
		return 1;
	for (int i = 0; i < md->topics[0].partition_cnt; i++)
		if (md->topics[0].partitions[i].id == p)
			printf("%d\n", md->topics[0].partitions[i].leader);
	rd_kafka_metadata_destroy(md);
	return 0;
}

static int create_topic(char **arg)
{
	rd_kafka_resp_err_t err;
	const char *text;
	char reason[256];
	size_t n;
	int partitions = (int)number(arg[1]);
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(arg[0], partitions, (int)number(arg[2]),
							   reason, sizeof(reason));

	if (!topic)
		die("%s", reason);
	for (char **config = arg + 3; *config; config++) {
		char *equals = strchr(*config, '=');
		if (!equals)
			die("'%s' is no NAME=VALUE", *config);
		*equals = 0;
		rd_kafka_NewTopic_set_config(topic, *config, equals + 1);
	}
	rd_kafka_CreateTopics(rk, &topic, 1, options(RD_KAFKA_ADMIN_OP_CREATETOPICS, time_limit_ms),
			      queue);
	rd_kafka_event_t *e = answer(&err, &text);
	if (!err) {
		const rd_kafka_topic_result_t *result = rd_kafka_CreateTopics_result_topics(
			rd_kafka_event_CreateTopics_result(e), &n)[0];
		err = rd_kafka_topic_result_error(result);
		text = rd_kafka_topic_result_error_string(result);
	}
	if (err)
		die("topic '%s' is not created: %s", arg[0], text ? text : rd_kafka_err2str(err));
	return until(has_leaders, arg[0], partitions);
}

static int add_partitions(char **arg)
{
	rd_kafka_resp_err_t err;
	const char *text;
	char reason[256];
	size_t n;
	int partitions = (int)number(arg[1]);
	rd_kafka_NewPartitions_t *more =
		rd_kafka_NewPartitions_new(arg[0], (size_t)partitions, reason, sizeof(reason));

	if (!more)
		die("%s", reason);
	rd_kafka_CreatePartitions(
		rk, &more, 1, options(RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, time_limit_ms), queue);
	rd_kafka_event_t *e = answer(&err, &text);
	if (!err)
		err = rd_kafka_topic_result_error(rd_kafka_CreatePartitions_result_topics(
			rd_kafka_event_CreatePartitions_result(e), &n)[0]);
	if (err)
		die("topic '%s' gets no partitions: %s", arg[0], rd_kafka_err2str(err));
	return until(has_leaders, arg[0], partitions);
}

static int delete_topic(char **arg)
{
	rd_kafka_resp_err_t err;
	const char *text;
	size_t n;
	rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(arg[0]);

	rd_kafka_DeleteTopics(rk, &topic, 1, options(RD_KAFKA_ADMIN_OP_DELETETOPICS, time_limit_ms),
			      queue);
	rd_kafka_event_t *e = answer(&err, &text);
	if (!err)
		err = rd_kafka_topic_result_error(rd_kafka_DeleteTopics_result_topics(
			rd_kafka_event_DeleteTopics_result(e), &n)[0]);
	if (err)
		die("topic '%s' is not deleted: %s", arg[0], rd_kafka_err2str(err));
	return until(is_gone, arg[0], 0);
}

static int delete_records(char **arg)
{
	rd_kafka_resp_err_t err;
	const char *text;
	rd_kafka_topic_partition_list_t *before = rd_kafka_topic_partition_list_new(1);

	rd_kafka_topic_partition_list_add(before, arg[0], (int32_t)number(arg[1]))->offset =
		number(arg[2]);
	rd_kafka_DeleteRecords_t *records = rd_kafka_DeleteRecords_new(before);
	rd_kafka_DeleteRecords(rk, &records, 1,
			       options(RD_KAFKA_ADMIN_OP_DELETERECORDS, time_limit_ms), queue);
	rd_kafka_event_t *e = answer(&err, &text);
	if (!err)
		err = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(e))
			      ->elems[0]
			      .err;
	if (err)
		die("records are not deleted: %s", rd_kafka_err2str(err));
	return 0;
}

static int offsets(char **arg)
{
	const rd_kafka_metadata_t *md = metadata(arg[0]);

	if (!md || md->topic_cnt != 1 || md->topics[0].err)
		return 1;
	for (int32_t p = 0; p < md->topics[0].partition_cnt; p++) {
		int64_t low, high;
		rd_kafka_resp_err_t err =
			rd_kafka_query_watermark_offsets(rk, arg[0], p, &low, &high, time_limit_ms);
		if (err)
			die("offsets of %s [%d]: %s", arg[0], p, rd_kafka_err2str(err));
		printf("%d %" PRId64 " %" PRId64 "\n", p, low, high);
	}
	return 0;
}

/* All partitions there are. */
static rd_kafka_topic_partition_list_t *all_partitions(void)
{
	const rd_kafka_metadata_t *md = metadata(NULL);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);

	for (int t = 0; md && t < md->topic_cnt; t++)
		for (int p = 0; p < md->topics[t].partition_cnt; p++)
			rd_kafka_topic_partition_list_add(list, md->topics[t].topic, p);
	if (md)
		rd_kafka_metadata_destroy(md);
	rd_kafka_topic_partition_list_sort(list, NULL, NULL);
	return list;
}

/* What a member of the group is told, without joining it. (ListConsumerGroupOffsets would not need
 * to know the partitions, but crashes in librdkafka 2.0.2 while the coordinator loads.) */
static rd_kafka_topic_partition_list_t *group_offsets(const char *group)
{
	static rd_kafka_t *member;
	static rd_kafka_topic_partition_list_t *list;

	if (!member)
		member = new_client(RD_KAFKA_CONSUMER, group);
	if (!list || !list->cnt)
		list = all_partitions();
	return rd_kafka_committed(member, list, time_limit_ms) ? NULL : list;
}

static int64_t sum_of(const rd_kafka_topic_partition_list_t *list)
{
	int64_t sum = 0;

	for (int i = 0; i < list->cnt; i++)
		sum += list->elems[i].offset < 0 ? 0 : list->elems[i].offset;
	return sum;
}

static int committed(char **arg)
{
	const rd_kafka_topic_partition_list_t *list = group_offsets(arg[0]);

	if (!list)
		die("the coordinator of group '%s' does not answer", arg[0]);
	for (int i = 0; i < list->cnt; i++)
		if (list->elems[i].offset >= 0)
			printf("%s %d %" PRId64 "\n", list->elems[i].topic,
			       list->elems[i].partition, list->elems[i].offset);
	printf("sum %" PRId64 "\n", sum_of(list));
	return 0;
}

static int reach(char **arg)
{
	int64_t wanted = number(arg[1]), limit = now_ms() + time_limit_ms;

	for (;; nap(10)) {
		const rd_kafka_topic_partition_list_t *list = group_offsets(arg[0]);
		if (list && sum_of(list) >= wanted)
			return 0;
		if (now_ms() >= limit)
			die("group '%s' has committed %" PRId64 " of %" PRId64, arg[0],
			    list ? sum_of(list) : -1, wanted);
	}
}

static int follow(char **arg)
{
	int pause_ms = (int)number(arg[1]);

	time_limit_ms = 2000;
	for (;; nap(pause_ms)) {
		const rd_kafka_topic_partition_list_t *list = group_offsets(arg[0]);
		if (!list)
			continue;
		printf("%" PRId64, sum_of(list));
		for (int i = 0; i < list->cnt; i++)
			if (list->elems[i].offset >= 0)
				printf(" %" PRId64, list->elems[i].offset);
		if (putchar('\n') < 0 || fflush(stdout))
			return 0;
	}
}

/* What the coordinator tells of a group; *e holds it. A new one may have to be waited for. */
static const rd_kafka_ConsumerGroupDescription_t *describe(const char *name, rd_kafka_event_t **e)
{
	int64_t limit = now_ms() + time_limit_ms;
	/* A question may get lost while the coordinator comes up: it is asked again. */
	int attempt_ms = time_limit_ms < 5000 ? time_limit_ms : 5000;
	rd_kafka_resp_err_t err;
	const char *text;
	size_t n;

	for (;; nap(20)) {
		rd_kafka_DescribeConsumerGroups(
			rk, &name, 1, options(RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, attempt_ms),
			queue);
		*e = answer(&err, &text);
		const rd_kafka_ConsumerGroupDescription_t *g =
			err ? NULL
			    : rd_kafka_DescribeConsumerGroups_result_groups(
				      rd_kafka_event_DescribeConsumerGroups_result(*e), &n)[0];
		const rd_kafka_error_t *failed =
			g ? rd_kafka_ConsumerGroupDescription_error(g) : NULL;
		if (g && !failed)
			return g;
		if (now_ms() >= limit)
			die("group '%s': %s", name, failed ? rd_kafka_error_string(failed) : text);
		rd_kafka_event_destroy(*e);
	}
}

static int members(char **arg)
{
	size_t wanted = (size_t)number(arg[1]);
	int64_t limit = now_ms() + time_limit_ms;

	for (;; nap(20)) {
		rd_kafka_event_t *e;
		const rd_kafka_ConsumerGroupDescription_t *g = describe(arg[0], &e);
		rd_kafka_consumer_group_state_t state = rd_kafka_ConsumerGroupDescription_state(g);
		size_t n = rd_kafka_ConsumerGroupDescription_member_count(g);
		rd_kafka_event_destroy(e);
		if (n == wanted && (!n || state == RD_KAFKA_CONSUMER_GROUP_STATE_STABLE))
			return 0;
		if (now_ms() >= limit)
			die("group '%s' is %s, with %zu members", arg[0],
			    rd_kafka_consumer_group_state_name(state), n);
	}
}

static int group(char **arg)
{
	rd_kafka_event_t *e;
	const rd_kafka_ConsumerGroupDescription_t *g = describe(arg[0], &e);

	printf("%s\n",
	       rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(g)));
	for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(g); i++) {
		const rd_kafka_MemberDescription_t *m =
			rd_kafka_ConsumerGroupDescription_member(g, i);
		const char *instance = rd_kafka_MemberDescription_group_instance_id(m);
		const rd_kafka_MemberAssignment_t *a = rd_kafka_MemberDescription_assignment(m);
		printf("%s %s %d\n", rd_kafka_MemberDescription_consumer_id(m),
		       instance ? instance : "-",
		       a ? rd_kafka_MemberAssignment_partitions(a)->cnt : 0);
	}
	return 0;
}

static int delete_group(char **arg)
{
	rd_kafka_resp_err_t err;
	const char *text;
	size_t n;
	rd_kafka_DeleteGroup_t *request = rd_kafka_DeleteGroup_new(arg[0]);

	rd_kafka_DeleteGroups(rk, &request, 1,
			      options(RD_KAFKA_ADMIN_OP_DELETEGROUPS, time_limit_ms), queue);
	rd_kafka_event_t *e = answer(&err, &text);
	if (!err)
		err = rd_kafka_error_code(
			rd_kafka_group_result_error(rd_kafka_DeleteGroups_result_groups(
				rd_kafka_event_DeleteGroups_result(e), &n)[0]));
	if (err)
		die("group '%s' is not deleted: %s", arg[0], rd_kafka_err2str(err));
	return 0;
}

/* A slow wave, in which one in 97 is out of line. */
static void produce_number(const char *topic, int64_t n, int64_t keys)
{
	char key[32], value[160];
	int64_t wave = n % 200 < 100 ? n % 200 : 200 - n % 200;
	int key_len = snprintf(key, sizeof(key), "k%" PRId64, n % keys);
	int len =
		snprintf(value, sizeof(value),
			 "{\"n\":%" PRId64 ",\"key\":\"%s\",\"temperature\":%" PRId64 ".%" PRId64
			 ",\"pressure\":%" PRId64 "}",
			 n, key, 20 + wave / 20 + (n % 97 ? 0 : 60), n % 10, 1000 + n * 7919 % 31);

	while (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, (size_t)key_len),
				 RD_KAFKA_V_VALUE(value, (size_t)len),
				 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END))
		rd_kafka_poll(rk, 10);
	rd_kafka_poll(rk, 0);
}

static int flush_records(void)
{
	rd_kafka_resp_err_t err = rd_kafka_flush(rk, time_limit_ms);

	if (err)
		die("records are not delivered: %s", rd_kafka_err2str(err));
	return 0;
}

static int produce(char **arg)
{
	int64_t to = number(arg[2]), keys = number(arg[3]);

	for (int64_t n = number(arg[1]); n < to; n++)
		produce_number(arg[0], n, keys);
	return flush_records();
}

static int feed(char **arg)
{
	int64_t n = 0, keys = number(arg[1]);
	char line[32];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		for (int64_t to = number(line); n < to; n++)
			produce_number(arg[0], n, keys);
	}
	return flush_records();
}

/* Ports below those that the system hands out to clients. */
static int ports(char **arg)
{
	for (int64_t wanted = number(arg[0]); wanted > 0;) {
		uint16_t port;
		if (getrandom(&port, sizeof(port), 0) != sizeof(port))
			return 1;
		port = (uint16_t)(10000 + port % 20000);
		struct sockaddr_in at = {.sin_family = AF_INET,
					 .sin_port = htons(port),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int s = socket(AF_INET, SOCK_STREAM, 0);
		if (!bind(s, (struct sockaddr *)&at, sizeof(at))) {
			printf("%d\n", port);
			wanted--;
		}
		close(s);
	}
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(char **arg);
	int least, most; /* arguments */
	bool offline;
} commands[] = {
	{"ready", ready, 1, 1, false},
	{"in-sync", in_sync, 1, 1, false},
	{"leader", leader, 2, 2, false},
	{"create-topic", create_topic, 3, 99, false},
	{"add-partitions", add_partitions, 2, 2, false},
	{"delete-topic", delete_topic, 1, 1, false},
	{"delete-records", delete_records, 3, 3, false},
	{"offsets", offsets, 1, 1, false},
	{"committed", committed, 1, 1, false},
	{"reach", reach, 2, 2, false},
	{"follow", follow, 2, 2, false},
	{"group", group, 1, 1, false},
	{"members", members, 2, 2, false},
	{"delete-group", delete_group, 1, 1, false},
	{"produce", produce, 4, 4, false},
	{"feed", feed, 2, 2, false},
	{"ports", ports, 1, 1, true},
};

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+b:t:")) != -1) {
		if (c == 'b')
			brokers = optarg;
		else if (c == 't')
			time_limit_ms = (int)(1000 * strtod(optarg, NULL));
		else
			return 64;
	}
	int n = argc - optind - 1;
	for (size_t i = 0; n >= 0 && i < sizeof(commands) / sizeof(*commands); i++) {
		const struct command *command = &commands[i];
		if (strcmp(argv[optind], command->name) || n < command->least || n > command->most)
			continue;
		if (!command->offline)
			connect_client();
		/* The client is left to the end of the process: its orderly end takes time. */
		int status = command->run(argv + optind + 1);
		return fflush(stdout) || ferror(stdout) ? 1 : status;
	}
	fputs(usage, stderr);
	return 64;
}
