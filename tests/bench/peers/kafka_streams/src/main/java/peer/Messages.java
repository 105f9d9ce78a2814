package peer;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

import java.io.IOException;

/** The canonical messages as far as this workload fills them, and what the peer keeps and writes. */
final class Messages {

    private Messages() { }

    record Target(@JsonProperty("kind") String kind, @JsonProperty("id") String id) { }

    record Access(@JsonProperty("event_id") String eventId,
                  @JsonProperty("source") String source,
                  @JsonProperty("sequence") Long sequence,
                  @JsonProperty("actor") String actor,
                  @JsonProperty("action") String action,
                  @JsonProperty("record") Target target,
                  @JsonProperty("result") String result,
                  @JsonProperty("occurred_at") String occurredAt) { }

    record Body(@JsonProperty("kind") String kind,
                @JsonProperty("staff") String staff,
                @JsonProperty("record") Target target,
                @JsonProperty("role") String role) { }

    record Fact(@JsonProperty("fact_id") String factId,
                @JsonProperty("revision") int revision,
                @JsonProperty("valid_from") String validFrom,
                @JsonProperty("valid_to") String validTo,
                @JsonProperty("recorded_at") String recordedAt,
                @JsonProperty("void") boolean isVoid,
                @JsonProperty("body") Body body) { }

    /** What the store keeps of a fact: as small as in the team's first kit, since each look-up reads it as JSON. */
    record Held(@JsonProperty("staff_id") String staffId,
                @JsonProperty("subject_id") String subjectId,
                @JsonProperty("valid_from") long validFrom,
                @JsonProperty("valid_to") Long validTo) {

        static Held of(final Fact fact) {
            final Long end = fact.validTo() == null ? null : Long.valueOf(Instants.millis(fact.validTo()));
            return new Held(fact.body().staff(), fact.body().target().id(), Instants.millis(fact.validFrom()), end);
        }
    }

    record Violation(@JsonProperty("access") Access access,
                     @JsonProperty("reason") String reason,
                     @JsonProperty("detected_at") long detectedAt) { }

    private static final ObjectMapper JSON = new ObjectMapper()
        .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

    static <T> Serde<T> json(final Class<T> type) {
        return Serdes.serdeFrom(
            (topic, value) -> {
                try {
                    return value == null ? null : JSON.writeValueAsBytes(value);
                } catch (final IOException e) {
                    throw new SerializationException("cannot write " + type.getSimpleName(), e);
                }
            },
            (topic, bytes) -> {
                try {
                    return bytes == null ? null : JSON.readValue(bytes, type);
                } catch (final IOException e) {
                    throw new SerializationException("cannot read " + type.getSimpleName(), e);
                }
            });
    }
}
