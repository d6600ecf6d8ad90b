//! Packets as the sockets see them, buffers, and the daemon's timer.

use crate::model::vars::variables;

// The letters: see the head of the table in `system.rs`.
variables! { IO_ROWS, System, "input and output";
    IO_RESET = "iostats_reset", "since_io_reset", Seconds, "..aaaaa", Raw;
        "how long the counters of input and output have run";
    BUFFERS = "total_rbuf", "receive_buffers", Unsigned, "..aaaaa", Raw;
        "receive buffers there are";
    BUFFERS_FREE = "free_rbuf", "receive_buffers_free", Unsigned, "..aaaaa", Raw;
        "receive buffers that are free";
    BUFFERS_USED = "used_rbuf", "receive_buffers_used", Unsigned, "..aaaaa", Raw;
        "receive buffers that wait to be worked on; NTPsec from 1.2.3 tells another counter, how \
         often it ran short of buffers";
    BUFFERS_LOW = "rbuf_lowater", "receive_buffer_refills", Unsigned, "..aaaa.", Raw;
        "times that more receive buffers had to be made";
    IO_DROPPED = "io_dropped", "packets_dropped", Unsigned, "..aaaaa", Raw;
        "packets dropped because no buffer was free";
    IO_IGNORED = "io_ignored", "packets_ignored", Unsigned, "..aaaaa", Raw;
        "packets that arrived where nobody listens";
    IO_RECEIVED = "io_received", "datagrams_received", Unsigned, "..aaaaa", Raw;
        "packets that the sockets received";
    IO_SENT = "io_sent", "datagrams_sent", Unsigned, "..aaaaa", Raw;
        "packets that the sockets sent";
    IO_SEND_FAILED = "io_sendfailed", "datagrams_not_sent", Unsigned, "..aaaaa", Raw;
        "packets that could not be sent: no route, or a firewall of this host";
    IO_WAKEUPS = "io_wakeups", "input_wakeups", Unsigned, "..aaaaa", Raw;
        "times that input woke the daemon";
    IO_USEFUL_WAKEUPS = "io_goodwakeups", "input_wakeups_useful", Unsigned, "..aaaa.", Raw;
        "wakeups that brought a packet";
    IO_PACKET_READS = "io_pkt_reads", "input_packet_reads", Unsigned, "......a", Raw;
        "wakeups for packets";
    IO_CLOCK_READS = "io_ref_reads", "input_clock_reads", Unsigned, "......b", Raw;
        "wakeups for texts of reference clocks";
    TIMER_RESET = "timerstats_reset", "since_timer_reset", Seconds, "..aaaaa", Raw;
        "how long the counters of the timer have run";
    TIMER_OVERRUNS = "timer_overruns", "timer_overruns", Unsigned, "..aaaaa", Raw;
        "seconds that the daemon missed because it was held up";
    TIMER_TRANSMITS = "timer_xmts", "timer_transmits", Unsigned, "..aaaaa", Raw;
        "times that the timer had a packet sent";
}
