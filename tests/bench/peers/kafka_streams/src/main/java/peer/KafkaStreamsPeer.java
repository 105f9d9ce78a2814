package peer;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.VersionedKeyValueStore;
import org.apache.kafka.streams.state.VersionedRecord;
import peer.Messages.Access;
import peer.Messages.Fact;
import peer.Messages.Held;
import peer.Messages.Violation;

import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;

/**
 * Peer: the join as a Kafka Streams user writes it for speed, with the Processor API.
 *
 * Assignments go into a persistent versioned store (RocksDB and a changelog topic), keyed by (record, staff), the
 * version's time being valid_from. An access looks up the version valid at its moment. Both topics are keyed and
 * partitioned by the record, so nothing is repartitioned. Login and staff id are taken to be the same.
 *
 * Limits of the versioned store: a look-up returns one version, so two overlapping assignments of one pair can not be
 * answered; an assignment that comes after the verdict changes nothing.
 *
 * Environment: BROKER (host:port), RUN_ID (application id), SCRATCH (folder of the state), ACCESSES, ASSIGNMENTS,
 * VIOLATIONS (topics), KS_OPTIONS (Kafka Streams settings, "name=value" separated by spaces).
 */
public final class KafkaStreamsPeer {

    static final String STORE = "assignments";
    /** The store drops a write older than (stream time - history), so this exceeds every spread of valid_from. */
    static final Duration HISTORY = Duration.ofDays(3650);

    static String pair(final String record, final String staff) {
        return record + '\u0000' + staff;
    }

    /** Keeps one version per (pair, valid_from); a corrected end overwrites its version. */
    static final class Hold extends ContextualProcessor<String, Fact, Void, Void> {
        private VersionedKeyValueStore<String, Held> store;

        @Override
        public void init(final ProcessorContext<Void, Void> context) {
            super.init(context);
            store = context.getStateStore(STORE);
        }

        @Override
        public void process(final Record<String, Fact> message) {
            final Held held = Held.of(message.value());
            store.put(pair(held.subjectId(), held.staffId()), held, held.validFrom());
        }
    }

    /** Forwards a violation when no version covers the access. */
    static final class Judge extends ContextualProcessor<String, Access, String, Violation> {
        private VersionedKeyValueStore<String, Held> store;

        @Override
        public void init(final ProcessorContext<String, Violation> context) {
            super.init(context);
            store = context.getStateStore(STORE);
        }

        @Override
        public void process(final Record<String, Access> message) {
            final Access access = message.value();
            final long moment = Instants.millis(access.occurredAt());
            final VersionedRecord<Held> found = store.get(pair(access.target().id(), access.actor()), moment);
            if (found == null || !isOpen(found.value(), moment)) {
                final long now = System.currentTimeMillis();
                final Violation violation = new Violation(access, "no_active_assignment", now);
                context().forward(message.withKey(access.target().id()).withValue(violation));
            }
        }

        private static boolean isOpen(final Held held, final long moment) {
            return held.validTo() == null || moment < held.validTo();
        }
    }

    static Topology topology(final Map<String, String> env) {
        final StreamsBuilder builder = new StreamsBuilder();
        final Serde<String> keys = Serdes.String();
        builder.addStateStore(Stores.versionedKeyValueStoreBuilder(
            Stores.persistentVersionedKeyValueStore(STORE, HISTORY), keys, Messages.json(Held.class)));
        builder.stream(env.get("ASSIGNMENTS"), Consumed.with(keys, Messages.json(Fact.class)))
            .process(Hold::new, STORE);
        builder.stream(env.get("ACCESSES"), Consumed.with(keys, Messages.json(Access.class)))
            .process(Judge::new, STORE)
            .to(env.get("VIOLATIONS"), Produced.with(keys, Messages.json(Violation.class)));
        return builder.build();
    }

    static Properties settings(final Map<String, String> env) {
        final Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, env.get("RUN_ID") + ".kafka-streams");
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, env.get("BROKER"));
        p.put(StreamsConfig.STATE_DIR_CONFIG, env.get("SCRATCH") + "/kafka-streams-state");
        p.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        for (final String option : env.getOrDefault("KS_OPTIONS", "").split(" ")) {
            final int equals = option.indexOf('=');
            if (equals > 0) {
                p.put(option.substring(0, equals), option.substring(equals + 1));
            }
        }
        return p;
    }

    public static void main(final String[] args) throws InterruptedException {
        final Map<String, String> env = System.getenv();
        final KafkaStreams streams = new KafkaStreams(topology(env), settings(env));
        final CountDownLatch failed = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            failed.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(30))));
        streams.start();
        failed.await();
        System.exit(1);
    }
}
