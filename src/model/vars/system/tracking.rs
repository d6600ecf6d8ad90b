//! What chronyd tells of its clock and ntpd does not.
//!
//! Three offsets are easily taken for one another: what is left to correct (*System time*), what
//! the last measurement found (*Last offset*), and what it comes to on average. The wire names are
//! the words of chronyc's reports. Signs are this program's: positive when the clock is slow.

use crate::model::vars::variables;

variables! { TRACKING_ROWS, System, "tracking";
    REFERENCE_ADDRESS = "reference_address", "reference_address", Address, ".......", Raw;
        "address of the source that the clock follows";
    SYSTEM_TIME = "system_time", "system_time", Milliseconds, ".......", Signed;
        "what is left to correct: how far the system clock, which programs read, is from the \
         daemon's own idea of the time; positive: the system clock is slow. Not an error bound";
    LAST_OFFSET = "last_offset", "last_offset", Milliseconds, ".......", Signed;
        "how far off the clock was found at the last update, since corrected; positive: it was \
         slow";
    RMS_OFFSET = "rms_offset", "rms_offset", Milliseconds, ".......", Raw;
        "long-term average of how far off the clock was found";
    RESIDUAL_FREQUENCY = "residual_freq", "residual_frequency", Ppm, ".......", Signed;
        "how far the frequency in use is from what the last samples say; positive: the corrected \
         clock still loses time";
    SKEW = "skew", "skew", Ppm, ".......", Raw;
        "estimated error of the frequency";
    UPDATE_INTERVAL = "update_interval", "update_interval", Seconds, ".......", Raw;
        "time between the last two updates of the clock";
}

variables! { ACTIVITY_ROWS, System, "activity";
    ONLINE = "online", "sources_online", Unsigned, ".......", Raw;
        "sources that are polled";
    OFFLINE = "offline", "sources_offline", Unsigned, ".......", Raw;
        "sources that are not polled, as somebody or the lack of a network said";
    BURST_ONLINE = "burst_online", "sources_in_burst_then_online", Unsigned, ".......", Raw;
        "sources that are polled in a burst and stay online";
    BURST_OFFLINE = "burst_offline", "sources_in_burst_then_offline", Unsigned, ".......", Raw;
        "sources that are polled in a burst and go offline";
    UNRESOLVED = "unresolved", "sources_unresolved", Unsigned, ".......", Raw;
        "sources whose name has no address yet";
}

variables! { SERVICE_ROWS, System, "server statistics";
    NTP_HITS = "ntp_packets_received", "ntp_packets_received", Unsigned, ".......", Raw;
        "NTP packets of clients that came";
    NTP_DROPS = "ntp_packets_dropped", "ntp_packets_dropped", Unsigned, ".......", Raw;
        "NTP packets of clients that were dropped to limit their rate";
    COMMAND_HITS = "command_packets_received", "command_packets_received", Unsigned, ".......", Raw;
        "commands that came over UDP, ours among them";
    COMMAND_DROPS = "command_packets_dropped", "command_packets_dropped", Unsigned, ".......", Raw;
        "commands over UDP that were dropped to limit a client's rate";
    LOG_DROPS = "client_log_records_dropped", "client_records_dropped", Unsigned, ".......", Raw;
        "records of clients that were dropped for want of memory";
    KEY_ESTABLISHMENTS = "nts_ke_connections_accepted", "nts_ke_connections_accepted", Unsigned,
        ".......", Raw;
        "key establishments of NTS that were accepted";
    KEY_ESTABLISHMENT_DROPS = "nts_ke_connections_dropped", "nts_ke_connections_dropped", Unsigned,
        ".......", Raw;
        "key establishments of NTS that were dropped to limit a client's rate";
    AUTHENTICATED_HITS = "authenticated_ntp_packets", "authenticated_ntp_packets", Unsigned,
        ".......", Raw;
        "NTP packets of clients that were authenticated";
    INTERLEAVED_HITS = "interleaved_ntp_packets", "interleaved_ntp_packets", Unsigned, ".......",
        Raw;
        "NTP packets of clients in the interleaved mode";
    STAMPS_HELD = "ntp_timestamps_held", "ntp_timestamps_held", Unsigned, ".......", Raw;
        "timestamps that are kept for the interleaved mode";
    STAMP_SPAN = "ntp_timestamp_span", "ntp_timestamp_span", Seconds, ".......", Raw;
        "time from the oldest of them to the newest";
    DAEMON_RECEIVE_STAMPS = "ntp_daemon_rx_timestamps", "ntp_daemon_receive_timestamps", Unsigned,
        ".......", Raw;
        "packets of clients whose arrival the daemon itself stamped";
    DAEMON_SEND_STAMPS = "ntp_daemon_tx_timestamps", "ntp_daemon_transmit_timestamps", Unsigned,
        ".......", Raw;
        "answers to clients whose sending the daemon itself stamped";
    KERNEL_RECEIVE_STAMPS = "ntp_kernel_rx_timestamps", "ntp_kernel_receive_timestamps", Unsigned,
        ".......", Raw;
        "packets of clients whose arrival the kernel stamped";
    KERNEL_SEND_STAMPS = "ntp_kernel_tx_timestamps", "ntp_kernel_transmit_timestamps", Unsigned,
        ".......", Raw;
        "answers to clients whose sending the kernel stamped";
    HARDWARE_RECEIVE_STAMPS = "ntp_hardware_rx_timestamps", "ntp_hardware_receive_timestamps",
        Unsigned, ".......", Raw;
        "packets of clients whose arrival the network card stamped";
    HARDWARE_SEND_STAMPS = "ntp_hardware_tx_timestamps", "ntp_hardware_transmit_timestamps",
        Unsigned, ".......", Raw;
        "answers to clients whose sending the network card stamped";
}

variables! { SMOOTHING_ROWS, System, "smoothing";
    SMOOTHING_ACTIVE = "smoothing_active", "smoothing_active", Flag, ".......", Raw;
        "whether the time that clients get is kept smooth and may differ from the daemon's";
    SMOOTHING_LEAP_ONLY = "smoothing_leap_only", "smoothing_leap_only", Flag, ".......", Raw;
        "whether only leap seconds are smoothed";
    SMOOTHING_OFFSET = "smoothing_offset", "smoothing_offset", Milliseconds, ".......", Signed;
        "how far the time that clients get is ahead of the daemon's";
    SMOOTHING_FREQUENCY = "smoothing_frequency", "smoothing_frequency", Ppm, ".......", Signed;
        "how much faster served time runs than the daemon's";
    SMOOTHING_WANDER = "smoothing_wander", "smoothing_wander_ppm_per_s", Real, ".......", Raw;
        "how much that frequency changes in a second";
    SMOOTHING_AGE = "smoothing_last_update", "since_smoothing_update", Seconds, ".......", Raw;
        "how long ago the smoothing was last updated";
    SMOOTHING_REMAINING = "smoothing_remaining", "smoothing_remaining", Seconds, ".......", Raw;
        "how long until nothing is left to smooth";
}

variables! { RTC_ROWS, System, "real-time clock";
    RTC_REFERENCE_TIME = "rtc_ref_time", "rtc_reference_time", Timestamp, ".......", Raw,
        [0.0 => "never"];
        "when the real-time clock was last measured, by its own time";
    RTC_SAMPLES = "rtc_samples", "rtc_samples", Unsigned, ".......", Raw;
        "measurements of the real-time clock that are kept";
    RTC_RUNS = "rtc_runs", "rtc_runs", Unsigned, ".......", Raw;
        "runs of those measurements on one side of their line";
    RTC_SPAN = "rtc_span", "rtc_sample_span", Seconds, ".......", Raw;
        "time from the oldest of them to the newest";
    RTC_OFFSET = "rtc_offset", "rtc_offset", Seconds, ".......", Raw;
        "how far the real-time clock is ahead of the system's";
    RTC_FREQUENCY = "rtc_freq", "rtc_frequency", Ppm, ".......", Signed;
        "how much the real-time clock gains";
}
